import type { Clock } from "../async/clock.ts";
import { handleRejection, isPromiseLike, wrongReturn } from "../support/returned.ts";
import { guarded, warnOfThrow } from "../support/user-call.ts";
import type { DialStartInfo, DialTrace, Observer } from "./trace.ts";

/**
 * Calls one hook. An error that it throws or rejects with is not passed on. It is reported by a process warning, once
 * per hook name, so that a broken hook does not flood the log.
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

/** Calls an observer and returns its hooks for a dial. If the observer throws, the dial is not observed. */
export function hooksOf(observer: Observer, dial: DialStartInfo, clock: Clock): DialTrace | undefined {
  return guarded("an observer", () => returnedHooks("an observer", observer(dial, clock)));
}

/** Checks what an observer returned. Throws a `TypeError` unless it is an object of hooks, or nothing. */
export function returnedHooks<H extends object>(what: string, hooks: H | null | undefined): H | undefined {
  if (hooks === undefined || hooks === null) return undefined;
  if (typeof hooks === "object" && !isPromiseLike(hooks)) return hooks;
  throw wrongReturn(what, "must return an object of hooks, or undefined", hooks);
}
