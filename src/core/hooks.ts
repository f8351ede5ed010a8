import type { Clock } from "./clock.ts";
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
  if (hook === undefined) return;
  try {
    const result = hook.call(hooks, info);
    if (result instanceof Promise) result.catch((error) => warn(`a ${name} hook`, error));
  } catch (error) {
    warn(`a ${name} hook`, error);
  }
}

const warned = new Set<string>();

function warn(what: string, error: unknown): void {
  if (warned.has(what)) return;
  warned.add(what);
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`${what} threw and was ignored; its later throws are not reported`, {
    type: "DialtraceWarning",
    detail,
  });
}

/** Asks an observer for its hooks. One that throws leaves the dial unobserved, and never harms it. */
export function hooksOf(observer: Observer, dial: DialStartInfo, clock: Clock): DialTrace | undefined {
  return guarded("an observer", () => observer(dial, clock)) ?? undefined;
}

/** Calls what a user gave, and keeps what it throws away from the caller. Warns once for each `what`. */
export function guarded<T>(what: string, call: () => T): T | undefined {
  try {
    return call();
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
  return new MergedHooks(newer, older) as DialTrace;
}

/**
 * Made for each dial, so it is written out: built name by name the same object costs four times as much.
 * Hooks that neither has are left out, not `undefined`, for the sake of who copies them over his own.
 */
class MergedHooks {
  declare attemptStart?: Hook;
  declare attemptDone?: Hook;
  declare dnsStart?: Hook;
  declare dnsDone?: Hook;
  declare connectStart?: Hook;
  declare connectDone?: Hook;
  declare proxyStart?: Hook;
  declare proxyDone?: Hook;
  declare tlsHandshakeStart?: Hook;
  declare tlsHandshakeDone?: Hook;
  declare handshakeStart?: Hook;
  declare handshakeEvent?: Hook;
  declare handshakeDone?: Hook;
  declare retryScheduled?: Hook;
  declare retryExhausted?: Hook;
  declare timeout?: Hook;
  declare gotConn?: Hook;
  declare putIdleConn?: Hook;
  declare connClosed?: Hook;

  constructor(newer: DialTrace, older: DialTrace = none) {
    if (newer.attemptStart ?? older.attemptStart)
      this.attemptStart = mergeHook(newer, "attemptStart", newer.attemptStart, older.attemptStart);
    if (newer.attemptDone ?? older.attemptDone)
      this.attemptDone = mergeHook(newer, "attemptDone", newer.attemptDone, older.attemptDone);
    if (newer.dnsStart ?? older.dnsStart) this.dnsStart = mergeHook(newer, "dnsStart", newer.dnsStart, older.dnsStart);
    if (newer.dnsDone ?? older.dnsDone) this.dnsDone = mergeHook(newer, "dnsDone", newer.dnsDone, older.dnsDone);
    if (newer.connectStart ?? older.connectStart)
      this.connectStart = mergeHook(newer, "connectStart", newer.connectStart, older.connectStart);
    if (newer.connectDone ?? older.connectDone)
      this.connectDone = mergeHook(newer, "connectDone", newer.connectDone, older.connectDone);
    if (newer.proxyStart ?? older.proxyStart)
      this.proxyStart = mergeHook(newer, "proxyStart", newer.proxyStart, older.proxyStart);
    if (newer.proxyDone ?? older.proxyDone)
      this.proxyDone = mergeHook(newer, "proxyDone", newer.proxyDone, older.proxyDone);
    if (newer.tlsHandshakeStart ?? older.tlsHandshakeStart)
      this.tlsHandshakeStart = mergeHook(newer, "tlsHandshakeStart", newer.tlsHandshakeStart, older.tlsHandshakeStart);
    if (newer.tlsHandshakeDone ?? older.tlsHandshakeDone)
      this.tlsHandshakeDone = mergeHook(newer, "tlsHandshakeDone", newer.tlsHandshakeDone, older.tlsHandshakeDone);
    if (newer.handshakeStart ?? older.handshakeStart)
      this.handshakeStart = mergeHook(newer, "handshakeStart", newer.handshakeStart, older.handshakeStart);
    if (newer.handshakeEvent ?? older.handshakeEvent)
      this.handshakeEvent = mergeHook(newer, "handshakeEvent", newer.handshakeEvent, older.handshakeEvent);
    if (newer.handshakeDone ?? older.handshakeDone)
      this.handshakeDone = mergeHook(newer, "handshakeDone", newer.handshakeDone, older.handshakeDone);
    if (newer.retryScheduled ?? older.retryScheduled)
      this.retryScheduled = mergeHook(newer, "retryScheduled", newer.retryScheduled, older.retryScheduled);
    if (newer.retryExhausted ?? older.retryExhausted)
      this.retryExhausted = mergeHook(newer, "retryExhausted", newer.retryExhausted, older.retryExhausted);
    if (newer.timeout ?? older.timeout) this.timeout = mergeHook(newer, "timeout", newer.timeout, older.timeout);
    if (newer.gotConn ?? older.gotConn) this.gotConn = mergeHook(newer, "gotConn", newer.gotConn, older.gotConn);
    if (newer.putIdleConn ?? older.putIdleConn)
      this.putIdleConn = mergeHook(newer, "putIdleConn", newer.putIdleConn, older.putIdleConn);
    if (newer.connClosed ?? older.connClosed)
      this.connClosed = mergeHook(newer, "connClosed", newer.connClosed, older.connClosed);
  }
}

const none: DialTrace = {};

function mergeHook(newer: DialTrace, name: TravellingHook, hook: Hook | undefined, after: Hook | undefined): Hook {
  if (hook === undefined) return after as Hook;
  if (after === undefined) return (info) => callHook(newer, name, info);
  return (info) => {
    callHook(newer, name, info);
    after(info);
  };
}
