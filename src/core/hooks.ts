import type { Clock } from "./clock.ts";
import { messageOf } from "./errors.ts";
import { isError } from "./is-error.ts";
import { handleRejection, isPromiseLike, wrongReturn } from "./returned.ts";
import type { DialStartInfo, DialTrace, Observer } from "./trace.ts";

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
