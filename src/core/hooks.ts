import { type DialStartInfo, type DialTrace, type Observer, travellingHooks } from "./trace.ts";

type Hook = (info: never) => unknown;
type HookName = keyof DialTrace;

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
export function hooksOf(observer: Observer, dial: DialStartInfo): DialTrace | undefined {
  return guarded("an observer", () => observer(dial)) ?? undefined;
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
  const merged: Partial<Record<HookName, Hook>> = {};
  for (const name of travellingHooks) {
    const after = older?.[name] as Hook | undefined;
    if (newer[name] === undefined) {
      if (after !== undefined) merged[name] = after;
    } else if (after === undefined) {
      merged[name] = (info) => callHook(newer, name, info as never);
    } else {
      merged[name] = (info) => {
        callHook(newer, name, info as never);
        after(info);
      };
    }
  }
  return merged as DialTrace;
}
