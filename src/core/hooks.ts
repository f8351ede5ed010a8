import type { Clock } from "./clock.ts";
import { messageOf } from "./errors.ts";
import { isError } from "./is-error.ts";
import { handleRejection, isPromiseLike, wrongReturn } from "./returned.ts";
import type { DialStartInfo, DialTrace, Observer, travellingHooks } from "./trace.ts";

type Hook = (info: never) => unknown;
type HookName = keyof DialTrace;
type TravellingHook = (typeof travellingHooks)[number];

/**
 * Calls one hook and keeps what it throws, or rejects with, away from the caller.
 * Warns once per hook name, so that a broken hook is seen without flooding the log.
 */
export function callHook<H extends object, N extends keyof H & string>(
  hooks: H,
  name: N,
  info: H[N] extends ((info: infer I) => unknown) | undefined ? I : never,
): void {
  const hook = hooks[name] as ((info: unknown) => unknown) | undefined;
  if (hook !== undefined) notify(`a ${name} hook`, () => hook.call(hooks, info));
}

/** Calls what a user gave to be told something, and keeps what it throws, or rejects with, away from the caller. */
export function notify(what: string, call: () => unknown): void {
  try {
    handleRejection(call(), (error) => warn(what, error));
  } catch (error) {
    warn(what, error);
  }
}

const warned = new Set<string>();

function warn(what: string, error: unknown): void {
  if (warned.has(what)) return;
  warned.add(what);
  const detail = isError(error) ? (error.stack ?? error.message) : messageOf(error);
  process.emitWarning(`${what} threw and was ignored; its later throws are not reported`, {
    type: "DialtraceWarning",
    detail,
  });
}

/** Asks an observer for its hooks. One that throws leaves the dial unobserved, and never harms it. */
export function hooksOf(observer: Observer, dial: DialStartInfo, clock: Clock): DialTrace | undefined {
  return guarded("an observer", () => returnedHooks("an observer", observer(dial, clock)));
}

/** Checks what an observer has returned. Throws a `TypeError` unless it is an object of hooks, or nothing. */
export function returnedHooks<H extends object>(what: string, hooks: H | null | undefined): H | undefined {
  if (hooks === undefined || hooks === null) return undefined;
  if (typeof hooks === "object" && !isPromiseLike(hooks)) return hooks;
  throw wrongReturn(what, "must return an object of hooks, or undefined", hooks);
}

/**
 * Calls what a user gave for what it returns, and keeps what it throws away from the caller. A promise is not
 * awaited: it counts as a throw. Warns once for each `what`.
 */
export function guarded<T>(what: string, call: () => T): T | undefined {
  try {
    const value = call();
    if (isPromiseLike(value)) throw wrongReturn(what, "must return its value at once", value);
    return value;
  } catch (error) {
    warn(what, error);
    return undefined;
  }
}

/** The hooks that came with one dial, each of them kept from harming it. */
export function guardHooks(hooks: DialTrace): DialTrace {
  const guarded: Partial<Record<HookName, Hook>> = mergeHooks(hooks, undefined);
  for (const name of ["dialStart", "dialDone"] as const) {
    if (hooks[name] !== undefined) guarded[name] = (info) => callHook(hooks, name, info);
  }
  return guarded as DialTrace;
}

/**
 * Merges hooks as Go's `WithClientTrace` does: where both have a hook, `newer`'s runs first.
 * `newer` is guarded here, `older` was when it was attached. `dialStart` and `dialDone` stay out:
 * they tell of the layer that attaches them.
 */
export function mergeHooks(newer: DialTrace, older: DialTrace | undefined): DialTrace {
  return new MergedHooks(newer, older ?? none) as DialTrace;
}

const none: DialTrace = {};

/**
 * Made for each dial, so it is written out: built name by name the same object costs five times as much.
 * Hooks that neither has are left out, not `undefined`, for the sake of who copies them over his own.
 */
class MergedHooks {
  declare attemptStart?: Hook | undefined;
  declare attemptDone?: Hook | undefined;
  declare dnsStart?: Hook | undefined;
  declare dnsDone?: Hook | undefined;
  declare connectStart?: Hook | undefined;
  declare connectDone?: Hook | undefined;
  declare proxyStart?: Hook | undefined;
  declare proxyDone?: Hook | undefined;
  declare tlsHandshakeStart?: Hook | undefined;
  declare tlsHandshakeDone?: Hook | undefined;
  declare handshakeStart?: Hook | undefined;
  declare handshakeEvent?: Hook | undefined;
  declare handshakeDone?: Hook | undefined;
  declare startDelayed?: Hook | undefined;
  declare retryScheduled?: Hook | undefined;
  declare retryExhausted?: Hook | undefined;
  declare timeout?: Hook | undefined;
  declare failover?: Hook | undefined;
  declare breakerChange?: Hook | undefined;
  declare limitWait?: Hook | undefined;
  declare gotConn?: Hook | undefined;
  declare putIdleConn?: Hook | undefined;
  declare connClosed?: Hook | undefined;

  constructor(newer: DialTrace, older: DialTrace) {
    if (newer.attemptStart) this.attemptStart = (info) => callBoth(newer, older, "attemptStart", info);
    else if (older.attemptStart) this.attemptStart = older.attemptStart;
    if (newer.attemptDone) this.attemptDone = (info) => callBoth(newer, older, "attemptDone", info);
    else if (older.attemptDone) this.attemptDone = older.attemptDone;
    if (newer.dnsStart) this.dnsStart = (info) => callBoth(newer, older, "dnsStart", info);
    else if (older.dnsStart) this.dnsStart = older.dnsStart;
    if (newer.dnsDone) this.dnsDone = (info) => callBoth(newer, older, "dnsDone", info);
    else if (older.dnsDone) this.dnsDone = older.dnsDone;
    if (newer.connectStart) this.connectStart = (info) => callBoth(newer, older, "connectStart", info);
    else if (older.connectStart) this.connectStart = older.connectStart;
    if (newer.connectDone) this.connectDone = (info) => callBoth(newer, older, "connectDone", info);
    else if (older.connectDone) this.connectDone = older.connectDone;
    if (newer.proxyStart) this.proxyStart = (info) => callBoth(newer, older, "proxyStart", info);
    else if (older.proxyStart) this.proxyStart = older.proxyStart;
    if (newer.proxyDone) this.proxyDone = (info) => callBoth(newer, older, "proxyDone", info);
    else if (older.proxyDone) this.proxyDone = older.proxyDone;
    if (newer.tlsHandshakeStart) this.tlsHandshakeStart = (info) => callBoth(newer, older, "tlsHandshakeStart", info);
    else if (older.tlsHandshakeStart) this.tlsHandshakeStart = older.tlsHandshakeStart;
    if (newer.tlsHandshakeDone) this.tlsHandshakeDone = (info) => callBoth(newer, older, "tlsHandshakeDone", info);
    else if (older.tlsHandshakeDone) this.tlsHandshakeDone = older.tlsHandshakeDone;
    if (newer.handshakeStart) this.handshakeStart = (info) => callBoth(newer, older, "handshakeStart", info);
    else if (older.handshakeStart) this.handshakeStart = older.handshakeStart;
    if (newer.handshakeEvent) this.handshakeEvent = (info) => callBoth(newer, older, "handshakeEvent", info);
    else if (older.handshakeEvent) this.handshakeEvent = older.handshakeEvent;
    if (newer.handshakeDone) this.handshakeDone = (info) => callBoth(newer, older, "handshakeDone", info);
    else if (older.handshakeDone) this.handshakeDone = older.handshakeDone;
    if (newer.startDelayed) this.startDelayed = (info) => callBoth(newer, older, "startDelayed", info);
    else if (older.startDelayed) this.startDelayed = older.startDelayed;
    if (newer.retryScheduled) this.retryScheduled = (info) => callBoth(newer, older, "retryScheduled", info);
    else if (older.retryScheduled) this.retryScheduled = older.retryScheduled;
    if (newer.retryExhausted) this.retryExhausted = (info) => callBoth(newer, older, "retryExhausted", info);
    else if (older.retryExhausted) this.retryExhausted = older.retryExhausted;
    if (newer.timeout) this.timeout = (info) => callBoth(newer, older, "timeout", info);
    else if (older.timeout) this.timeout = older.timeout;
    if (newer.failover) this.failover = (info) => callBoth(newer, older, "failover", info);
    else if (older.failover) this.failover = older.failover;
    if (newer.breakerChange) this.breakerChange = (info) => callBoth(newer, older, "breakerChange", info);
    else if (older.breakerChange) this.breakerChange = older.breakerChange;
    if (newer.limitWait) this.limitWait = (info) => callBoth(newer, older, "limitWait", info);
    else if (older.limitWait) this.limitWait = older.limitWait;
    if (newer.gotConn) this.gotConn = (info) => callBoth(newer, older, "gotConn", info);
    else if (older.gotConn) this.gotConn = older.gotConn;
    if (newer.putIdleConn) this.putIdleConn = (info) => callBoth(newer, older, "putIdleConn", info);
    else if (older.putIdleConn) this.putIdleConn = older.putIdleConn;
    if (newer.connClosed) this.connClosed = (info) => callBoth(newer, older, "connClosed", info);
    else if (older.connClosed) this.connClosed = older.connClosed;
  }
}

function callBoth(newer: DialTrace, older: DialTrace, name: TravellingHook, info: never): void {
  callHook(newer, name, info);
  older[name]?.(info);
}
