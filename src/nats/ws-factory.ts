import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { WebSocket } from "ws";
import { Cancel } from "../async/cancel.ts";
import { systemClock } from "../async/clock.ts";
import { Deadline } from "../async/deadline.ts";
import type { Dialer } from "../core/dialer.ts";
import { DialError, DialTimeoutError, timeoutMessage } from "../core/errors.ts";
import { parseTargetOf, type Target } from "../core/target.ts";
import { discard } from "../support/connection.ts";
import { isError } from "../support/is-error.ts";
import { markFactories } from "../support/roles.ts";
import { checkDialer, checkOptions, checkSignal } from "../support/validate.ts";
import { DialedWebSocket } from "./dialed-web-socket.ts";
import { guardDestroy } from "./guard-destroy.ts";
import { checkTlsOptions } from "./option-checks.ts";
import { startTls } from "./ws-tls.ts";
import { upgrade } from "./ws-upgrade.ts";

/** Options of {@link wsFactory}. */
export interface WsFactoryOptions {
  /** Makes plain connections; TLS for `wss://` is added on top. */
  dialer: Dialer;
  /** TLS options for `wss://` URLs. The certificate is checked against the URL's host. @defaultValue the system's authorities */
  tls?: Omit<ConnectionOptions, "socket" | "host" | "port" | "path"> | undefined;
  /** Aborts dials in progress and rejects new ones. Open connections are not affected. @defaultValue none */
  signal?: AbortSignal | undefined;
}

/** Type of the `wsFactory` option of `wsconnect`. */
export type WsFactory = (
  url: string,
  options?: { timeout?: number | undefined },
) => Promise<{ socket: globalThis.WebSocket; encrypted: boolean }>;

/** nats-core's default for `timeout`, in milliseconds. */
const defaultTimeoutMs = 20_000;

/** Milliseconds by which the dial's deadline precedes the client's, so that a slow dial counts as a timeout, not as canceled. */
const marginMs = 10;

/**
 * Returns a `wsFactory` for `wsconnect` that uses a dialer. TLS and the HTTP upgrade are the dial's handshake, so
 * timeouts, retries, spans and metrics cover them. A deadline just below the client's `timeout` applies to the dial. A
 * connect that the client gives up is aborted and leaves no socket behind.
 *
 * A factory belongs to one client: once it has connected, further dials are reconnects (`background`). Hooks, spans and
 * metrics receive a {@link DialError} for a failed dial; the client throws a `ConnectionError` with the same message.
 *
 * @throws TypeError naming the invalid option.
 * @example
 * const nc = await wsconnect({ servers: "wss://nats.example:443", wsFactory: wsFactory({ dialer }) });
 */
export function wsFactory(options: WsFactoryOptions): WsFactory {
  checkOptions("wsFactory", options, { dialer: true, tls: true, signal: true });
  const { dialer, tls = {}, signal } = options;
  checkDialer("wsFactory: dialer", dialer);
  checkTlsOptions("wsFactory: tls", tls);
  if (signal !== undefined) checkSignal("wsFactory: signal", signal);
  const sockets = new WebSocketDialer(dialer, tls, signal === undefined ? undefined : Cancel.of(signal));

  return async function dialedWsFactory(text, { timeout } = {}) {
    const site = readSite(text);
    // Reported by the websocket: nats-core would wait forever for the close of a socket that it has not received.
    const socket = isError(site)
      ? new DialedWebSocket(() => Promise.reject(site))
      : sockets.dial(site, Math.max(1, (timeout || defaultTimeoutMs) - marginMs));
    return { socket: socket as unknown as globalThis.WebSocket, encrypted: !isError(site) && site.secure };
  };
}

markFactories({ wsFactory });

/** Location of a websocket. */
interface Site {
  readonly url: URL;
  readonly target: Target;
  readonly secure: boolean;
}

/** Parses a URL. Errors do not show it, because its path or query may contain a token. */
function readSite(text: string): Site | Error {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "ws:" && url?.protocol !== "wss:") {
    return new DialError("wsFactory: the server's URL must be one of ws:// or wss://", { reason: "config" });
  }
  url.hash = "";
  const secure = url.protocol === "wss:";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  try {
    return { url, secure, target: parseTargetOf("wsFactory", { host, port: url.port || (secure ? 443 : 80) }) };
  } catch (error) {
    return error as Error;
  }
}

/** Dials the websockets of one client. */
class WebSocketDialer {
  readonly #dialer: Dialer;
  readonly #tls: ConnectionOptions;
  readonly #cancel: Cancel | undefined;
  readonly #owner = {};
  #connectedOnce = false;

  constructor(dialer: Dialer, tls: ConnectionOptions, cancel: Cancel | undefined) {
    this.#dialer = dialer;
    this.#tls = tls;
    this.#cancel = cancel;
  }

  /** Returns a websocket that is being dialed. The deadline and the factory's signal end the dial. */
  dial(site: Site, timeoutMs: number): DialedWebSocket {
    const { target } = site;
    const timedOut = (lateByMs: number) => {
      const message = timeoutMessage(`dial ${target}`, timeoutMs, lateByMs);
      return new DialTimeoutError(message, { scope: "dial", timeoutMs, lateByMs, target });
    };
    const open = async (closed: AbortSignal) => {
      try {
        closed.throwIfAborted();
        const ws = await this.#open(site, closed);
        this.#connectedOnce = true;
        return ws;
      } finally {
        deadline.clear();
        this.#cancel?.offAbort(onAbort);
      }
    };
    const socket = new DialedWebSocket(open, () => (deadline.isLate ? timedOut(deadline.lateByMs) : undefined));
    const deadline = new Deadline(systemClock, timeoutMs, (lateByMs) => socket.giveUp(timedOut(lateByMs)));
    const onAbort = () => socket.giveUp(this.#cancel?.reason);
    this.#cancel?.onAbort(onAbort);
    return socket;
  }

  async #open({ url, target, secure }: Site, closed: AbortSignal): Promise<WebSocket> {
    let ws: WebSocket | undefined;
    const conn: Socket = await this.#dialer(target, {
      signal: closed,
      background: this.#connectedOnce,
      owner: this.#owner,
      handshake: async (plain, context) => {
        guardDestroy(plain);
        context.describe({ name: "websocket" });
        const ready = secure ? await startTls(plain, target.host, this.#tls, context) : plain;
        ws = await upgrade(ready, url);
        return ready;
      },
    });
    if (ws !== undefined) return ws;
    discard(conn);
    const message = "wsFactory: the dialer must run the handshake; is it composed?";
    throw new DialError(message, { reason: "config", target });
  }
}
