import type { NatsConnection } from "@nats-io/transport-node";
import type { ClientTrace } from "../core/client-trace.ts";
import { compose } from "../core/compose.ts";
import type { Dialer } from "../core/dialer.ts";
import { DialTimeoutError } from "../core/errors.ts";
import { checkDuration, checkFunction, show } from "../core/validate.ts";
import { tcp } from "../dialers/tcp.ts";
import { Lifecycle } from "./lifecycle.ts";
import { DialedProtocol } from "./protocol.ts";
import { readServers } from "./servers.ts";
import { type Connection, ensureTransportFactory, type NodeConnectionOptions, newConnection } from "./upstream.ts";

/** Everything that transport-node's `connect` takes, and how to dial. */
export interface ConnectOptions extends Omit<NodeConnectionOptions, "servers"> {
  /** One server, several separated by commas, or an array. Credentials in URLs are used. @defaultValue `127.0.0.1:4222` */
  servers?: string | string[];
  /**
   * Makes the connections, the first and every reconnect. It is given each server's name unresolved.
   * The client retries by itself: keep the dialer's attempts few and its bound below `timeout`.
   * @defaultValue `compose(tcp())`
   */
  dialer?: Dialer | undefined;
  /**
   * Aborts the first connect, which rejects with the signal's reason. Once connected it ends
   * reconnecting: a client without connection closes at once, one with a connection when it loses it.
   */
  signal?: AbortSignal | undefined;
  /** Bound in milliseconds on the first connect: all servers, attempts and waits. @defaultValue none; each server has `timeout` */
  connectDeadlineMs?: number | undefined;
  /** Hooks into the client's life, such as `natsMetrics()` of `dialtrace/prometheus`. */
  trace?: ClientTrace | undefined;
}

/**
 * Connects to NATS as `@nats-io/transport-node` does, through a dialer of yours. INFO and the TLS
 * upgrade run as the dial's handshake, so that its timeouts, retries, spans and metrics cover them. A
 * connect that is given up leaves no socket behind. Other connections of the process are not affected.
 *
 * @throws TypeError or RangeError naming the option that can't be used.
 * @throws DialError when no server could be reached, {@link DialTimeoutError} past `connectDeadlineMs`.
 * @example
 * const nc = await connect({ servers: "nats://a:4222,nats://b:4222", dialer, signal });
 */
export async function connect(options: ConnectOptions = {}): Promise<NatsConnection> {
  const {
    dialer = compose(tcp()),
    signal,
    connectDeadlineMs,
    trace = {},
    servers: given,
    port,
    ...natsOptions
  } = options;
  checkFunction("connect: dialer", dialer);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`connect: signal must be an AbortSignal, got ${show(signal)}`);
  }
  if (connectDeadlineMs !== undefined) checkDuration("connect: connectDeadlineMs", connectDeadlineMs);
  if (typeof trace !== "object" || trace === null) {
    throw new TypeError(`connect: trace must be an object of hooks, got ${show(trace)}`);
  }
  const { servers, credentials, tls } = readServers(given, port);
  signal?.throwIfAborted();

  ensureTransportFactory();
  const nc = newConnection({
    ...(natsOptions.token === undefined && natsOptions.user === undefined && credentials),
    ...(tls && { tls: {} }),
    ...natsOptions,
    servers,
    resolve: false, // The dialer resolves names; it knows how to try several addresses.
  });
  const lifecycle = new Lifecycle(trace, () => nc.options.reconnect === true);
  const protocol = new DialedProtocol(nc.options, nc, dialer, lifecycle);
  nc.protocol = protocol;
  announceDrain(nc, lifecycle);

  try {
    await bounded(protocol.dialLoop(), signal, connectDeadlineMs, servers);
  } catch (error) {
    await protocol.close(error as Error);
    throw error;
  }
  if (signal !== undefined) endWith(signal, nc, lifecycle);
  return nc as NatsConnection;
}

/** The first connect, ended by the signal or the deadline; upstream's loop knows neither. */
function bounded(
  work: Promise<void>,
  signal: AbortSignal | undefined,
  deadlineMs: number | undefined,
  servers: readonly string[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer =
      deadlineMs === undefined
        ? undefined
        : setTimeout(() => {
            const message = `connect to ${servers.join(", ")} timed out after ${deadlineMs} ms`;
            reject(new DialTimeoutError(message, { scope: "dial", timeoutMs: deadlineMs }));
          }, deadlineMs);
    work.then(resolve, reject).finally(() => {
      signal?.removeEventListener("abort", onAbort);
      clearTimeout(timer);
    });
  });
}

function announceDrain(nc: Connection, lifecycle: Lifecycle): void {
  const drain = nc.drain.bind(nc);
  nc.drain = () => {
    if (!nc.isClosed() && !nc.isDraining()) lifecycle.draining();
    return drain();
  };
}

function endWith(signal: AbortSignal, nc: Connection, lifecycle: Lifecycle): void {
  const onAbort = () => {
    nc.options.reconnect = false;
    if (lifecycle.state === "reconnecting") void nc.close();
  };
  if (signal.aborted) {
    onAbort();
    return;
  }
  signal.addEventListener("abort", onAbort, { once: true });
  void nc.closed().then(() => signal.removeEventListener("abort", onAbort));
}
