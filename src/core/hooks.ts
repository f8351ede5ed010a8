import type { Clock } from "../async/clock.ts";
import { handleRejection, isPromiseLike, wrongReturn } from "../support/returned.ts";
import { guarded, warnOfThrow } from "../support/user-call.ts";
import type { DialStartInfo, DialTrace, Observer } from "./trace.ts";

/**
 * Calls one hook. What it throws, or rejects with, is kept from the caller and reported once per hook name by a
 * process warning, so that a broken hook is noticed without flooding the log.
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
    if (result !== undefined) handleRejection(result, (error) => warnOfThrow(`a ${name} hook`, error));
  } catch (error) {
    warnOfThrow(`a ${name} hook`, error);
  }
}

/** Asks an observer for its hooks. An observer that throws leaves the dial unobserved. */
export function hooksOf(observer: Observer, dial: DialStartInfo, clock: Clock): DialTrace | undefined {
  return guarded("an observer", () => returnedHooks("an observer", observer(dial, clock)));
}

/** Checks what an observer returned. Throws a `TypeError` unless it is an object of hooks, or nothing. */
export function returnedHooks<H extends object>(what: string, hooks: H | null | undefined): H | undefined {
  if (hooks === undefined || hooks === null) return undefined;
  if (typeof hooks === "object" && !isPromiseLike(hooks)) return hooks;
  throw wrongReturn(what, "must return an object of hooks, or undefined", hooks);
}
