import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { DialOptions } from "../core/dialer.ts";
import { clientDialOptionNames } from "../engine/dial-options.ts";
import { checkBoolean, checkDuration, checkOptions, invalid, type OptionNames, show } from "../support/validate.ts";

/**
 * Options of {@link lazySocket}: those of a dial, and those of the socket. Bound the dial with `withTimeout` in the
 * dialer; `timeoutMs` is that of the socket.
 */
export interface LazySocketOptions<C extends Duplex = Socket> extends Omit<DialOptions<C>, "timeoutMs"> {
  /**
   * An event to emit after `connect` and `ready`, such as `secureConnect` for a dialer of TLS sockets: not one that sockets
   * emit by themselves. @defaultValue none
   */
  event?: string | undefined;
  /**
   * Milliseconds without activity, dialing included, after which the socket emits `timeout`, 1 to 2^31-1. As the option
   * `timeout` of `net.connect`, it ends nothing by itself. @defaultValue none
   */
  timeoutMs?: number | undefined;
  /** Starts the dial when `connect()` is called, for clients that call it on the socket that they are given. @defaultValue false */
  startOnConnect?: boolean | undefined;
  /** Keeps the writable side open after the peer has ended, as the option of `net.connect`. @defaultValue false */
  allowHalfOpen?: boolean | undefined;
}

/** The options of a lazy socket, checked. */
export interface LazySocketSettings<C extends Duplex> {
  readonly event: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly startOnConnect: boolean;
  readonly allowHalfOpen: boolean;
  /** The options for the dial, which the engine checks. */
  readonly dial: DialOptions<C>;
}

const optionNames: OptionNames<LazySocketOptions> = {
  ...clientDialOptionNames,
  event: true,
  timeoutMs: true,
  startOnConnect: true,
  allowHalfOpen: true,
};

/**
 * Events that sockets emit by themselves, or agents on sockets. Listeners would take a further one for another connect,
 * error or end, and would miss its arguments.
 *
 * @see https://nodejs.org/api/net.html#class-netsocket
 * @see https://nodejs.org/api/stream.html
 * @see https://nodejs.org/api/http.html#class-httpagent
 */
const ownEvents: ReadonlySet<string> = new Set([
  // net.Socket
  "connect",
  "connectionAttempt",
  "connectionAttemptFailed",
  "connectionAttemptTimeout",
  "lookup",
  "ready",
  "timeout",
  // stream.Readable and stream.Writable
  "close",
  "data",
  "drain",
  "end",
  "error",
  "finish",
  "pause",
  "pipe",
  "prefinish",
  "readable",
  "resume",
  "unpipe",
  // EventEmitter
  "newListener",
  "removeListener",
  // A forwarded TLSSocket
  "session",
  // http.Agent
  "agentRemove",
  "free",
]);

/**
 * Checks the options of a lazy socket.
 *
 * @throws TypeError or RangeError naming the option.
 */
export function settingsOf<C extends Duplex>(options: LazySocketOptions<C>): LazySocketSettings<C> {
  checkOptions("lazySocket", options as object, optionNames as OptionNames<object>);
  const { event, timeoutMs, startOnConnect = false, allowHalfOpen = false, ...dial } = options;
  if (event !== undefined) checkEvent(event);
  if (timeoutMs !== undefined) checkDuration("lazySocket: timeoutMs", timeoutMs);
  checkBoolean("lazySocket: startOnConnect", startOnConnect);
  checkBoolean("lazySocket: allowHalfOpen", allowHalfOpen);
  return { event, timeoutMs, startOnConnect, allowHalfOpen, dial };
}

function checkEvent(event: unknown): void {
  if (typeof event !== "string" || event === "") {
    throw invalid(TypeError, `lazySocket: event must be the name of an event, got ${show(event)}`);
  }
  if (ownEvents.has(event)) {
    const rule = "must be one that sockets do not emit by themselves, such as secureConnect";
    throw invalid(TypeError, `lazySocket: event ${rule}, got ${show(event)}; to emit none, leave it out`);
  }
}
