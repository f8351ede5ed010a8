import type { Authenticator, NatsConnection } from "@nats-io/transport-node";
import { ClientEvents, checkClientTrace } from "../core/client-events.ts";
import type { ClientTraceLike, ObservedClient } from "../core/client-trace.ts";
import { compose } from "../core/compose.ts";
import type { Dialer } from "../core/dialer.ts";
import { DialError, messageOf } from "../core/errors.ts";
import { checkBoolean, checkDuration, checkFunction, show } from "../core/validate.ts";
import { tcp } from "../dialers/tcp.ts";
import { type BackgroundConnection, inBackground } from "./background.ts";
import { type ClientCallbacks, callbackHooks } from "./callbacks.ts";
import { Client } from "./client.ts";
import { type CredentialOptions, fileCredentials } from "./credentials.ts";
import { rememberClient } from "./known-clients.ts";
import { Lifecycle } from "./lifecycle.ts";
import { DialedProtocol } from "./protocol.ts";
import { PublishBuffer } from "./publish-buffer.ts";
import { type ReconnectDelayOptions, reconnectDelay } from "./reconnect-delay.ts";
import { measureRtt } from "./rtt.ts";
import { readServers } from "./servers.ts";
import { ensureTransportFactory, type NodeConnectionOptions, newConnection } from "./upstream.ts";

/** Everything that transport-node's `connect` takes, and how to dial. */
export interface ConnectOptions
  extends Omit<NodeConnectionOptions, "servers" | "reconnectDelayHandler">,
    ReconnectDelayOptions,
    CredentialOptions,
    ClientCallbacks {
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
  /**
   * Whether the first connect goes on when every server has failed, waiting as a reconnect does, until
   * the signal or the deadline ends it. @defaultValue `false`; `true` with `connectInBackground`
   */
  retryOnFailedConnect?: boolean | undefined;
  /** Whether to resolve at once: see {@link BackgroundConnectOptions}. @defaultValue `false` */
  connectInBackground?: false | undefined;
  /**
   * Bytes of messages that may wait while there is no connection; they are sent on the next. Beyond it
   * `publish` throws a {@link ReconnectBufferError}; -1 lets none wait. @defaultValue 8 MiB, as in Go
   */
  reconnectBufSize?: number | undefined;
  /** Hooks into the client's life, such as `natsMetrics()` of `dialtrace/prometheus`; or several. */
  trace?: ClientTraceLike | undefined;
  /** Interval in milliseconds at which the round trip to the server is measured. @defaultValue never */
  rttIntervalMs?: number | undefined;
}

/** Options of a connect that resolves at once, with a handle to a client that is still connecting. */
export interface BackgroundConnectOptions extends Omit<ConnectOptions, "connectInBackground"> {
  connectInBackground: true;
}

/**
 * Connects to NATS as `@nats-io/transport-node` does, through a dialer of yours. INFO, the TLS upgrade
 * and the server's answer to CONNECT run as the dial's handshake, so that its timeouts, spans and
 * metrics cover them. A connect that is given up leaves no socket behind. Other connections of the
 * process are not affected.
 *
 * With `connectInBackground` it resolves at once; bad options reject in either case.
 *
 * @throws TypeError or RangeError naming the option that can't be used.
 * @throws DialError when no server could be reached, {@link DialTimeoutError} past `connectDeadlineMs`.
 * @example
 * const nc = await connect({ servers: "nats://a:4222,nats://b:4222", dialer, signal });
 */
export function connect(options: BackgroundConnectOptions): Promise<BackgroundConnection>;
export function connect(options?: ConnectOptions): Promise<NatsConnection>;
export async function connect(
  options: ConnectOptions | BackgroundConnectOptions = {},
): Promise<NatsConnection | BackgroundConnection> {
  checkBoolean("connect: connectInBackground", options.connectInBackground ?? false);
  const client = newClient(options);
  return options.connectInBackground ? inBackground(client) : client.connect();
}

function newClient(options: ConnectOptions | BackgroundConnectOptions): Client {
  const {
    dialer = compose(tcp()),
    signal,
    connectDeadlineMs,
    connectInBackground = false,
    retryOnFailedConnect = connectInBackground,
    reconnectBufSize,
    trace = [],
    rttIntervalMs,
    servers: given,
    port,
    creds,
    nkeySeed,
    reconnectDelayHandler,
    onConnect,
    onDisconnect,
    onReconnect,
    onClosed,
    onDiscoveredServers,
    onLameDuck,
    onError,
    ...natsOptions
  } = options;
  checkFunction("connect: dialer", dialer);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`connect: signal must be an AbortSignal, got ${show(signal)}`);
  }
  if (connectDeadlineMs !== undefined) checkDuration("connect: connectDeadlineMs", connectDeadlineMs);
  if (rttIntervalMs !== undefined) checkDuration("connect: rttIntervalMs", rttIntervalMs);
  checkBoolean("connect: retryOnFailedConnect", retryOnFailedConnect);
  checkClientTrace("connect: trace", trace);
  const callbacks = callbackHooks(options);
  const delay = reconnectDelay(options);
  const buffer = new PublishBuffer(reconnectBufSize);
  const credentials = fileCredentials({ creds, nkeySeed });
  const { servers, credentials: userinfo, tls } = readServers(given, port);

  ensureTransportFactory();
  const nc = newConnection({
    // As in Go: 2 minutes at the longest wait, where upstream's 10 would end after some 15 s.
    maxReconnectAttempts: 60,
    ...(natsOptions.token === undefined && natsOptions.user === undefined && userinfo),
    ...(tls && { tls: {} }),
    ...natsOptions,
    ...(retryOnFailedConnect && { waitOnFirstConnect: true }),
    ...(credentials && { authenticator: [natsOptions.authenticator ?? [], credentials.authenticator].flat() }),
    // Upstream's loop never waits then; the attempts do.
    ...(delay && { reconnectDelayHandler: () => 0 }),
    servers,
    resolve: false, // The dialer resolves names; it knows how to try several addresses.
  });
  nc.options.authenticator = guardAuthenticator(nc.options.authenticator as Authenticator);
  const observed: ObservedClient = {
    name: natsOptions.name,
    stats: () => ({ ...nc.stats(), ...serverCounts(nc.protocol), bufferedBytes: buffer.size }),
  };
  const events = new ClientEvents(observed, "connecting");
  const lifecycle = new Lifecycle(events, () => nc.options.reconnect === true);
  const protocol = new DialedProtocol(nc.options, nc, { dialer, lifecycle, buffer, credentials, delay });
  nc.protocol = protocol;
  rememberClient(nc as NatsConnection, events);
  events.observe([callbacks, trace].flat());
  if (rttIntervalMs !== undefined) measureRtt(nc, rttIntervalMs, events);
  return new Client(nc, protocol, lifecycle, { signal, deadlineMs: connectDeadlineMs, servers });
}

/** Upstream closes the client when one throws; here it is known then as what failed the dial. */
function guardAuthenticator(authenticator: Authenticator): Authenticator {
  return (nonce) => {
    try {
      return authenticator(nonce);
    } catch (error) {
      const message = `connect: the authenticator threw: ${messageOf(error)}`;
      throw new DialError(message, { reason: "auth_failed", cause: error });
    }
  };
}

function serverCounts({ servers }: Pick<DialedProtocol, "servers">) {
  const discoveredServers = servers.getServers().filter((each) => each.gossiped).length;
  return { configuredServers: servers.length() - discoveredServers, discoveredServers };
}
