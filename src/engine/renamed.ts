import type { Middleware } from "../core/dialer.ts";

const renameKey: unique symbol = Symbol("dialtrace.rename");

/** Makes an observer with the same options and another name. */
type Rename = (name: string) => Middleware;

/** Lets {@link renamed} make `observer` once more. */
export function renamable(observer: Middleware, rename: Rename): Middleware {
  Object.defineProperty(observer, renameKey, { value: rename });
  return observer;
}

/** Returns `observer` under another name; an observer that has no name is returned as it is. */
export function renamed(observer: Middleware, name: string): Middleware {
  return (observer as { readonly [renameKey]?: Rename })[renameKey]?.(name) ?? observer;
}
