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
  /** An event to emit after `connect` and `ready`, such as `secureConnect` for a dialer of TLS sockets. @defaultValue none */
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

/** Events that a socket emits by itself: listeners would take one more for another connect, error or end. */
const ownEvents = [
  "close",
  "connect",
  "data",
  "drain",
  "end",
  "error",
  "finish",
  "lookup",
  "ready",
  "readable",
  "timeout",
];

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
  if (ownEvents.includes(event)) {
    throw invalid(
      RangeError,
      `lazySocket: event must not be an event that sockets emit by themselves, got ${show(event)}`,
    );
  }
}
