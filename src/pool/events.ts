import { callHook, guarded, returnedHooks } from "../core/hooks.ts";
import type { ObservedPool, PoolObserver, PoolTrace, PoolTraceLike } from "../core/pool-trace.ts";
import { show } from "../core/validate.ts";

type Info<N extends "acquireDone" | "releaseDone" | "evicted"> = Parameters<NonNullable<PoolTrace[N]>>[0];

/** Tells the observers of one pool. Ask whether there is one before building what it is told. */
export class PoolEvents {
  #hooks: readonly PoolTrace[] = [];

  /** Whether anybody listens. */
  get observed(): boolean {
    return this.#hooks.length > 0;
  }

  observe(trace: PoolTraceLike, pool: ObservedPool): void {
    const observers = (Array.isArray(trace) ? trace : [trace]) as readonly (PoolTrace | PoolObserver)[];
    const what = "an observer of pools";
    this.#hooks = observers.flatMap((each) =>
      typeof each === "function" ? (guarded(what, () => returnedHooks(what, each(pool))) ?? []) : each,
    );
  }

  emit<N extends "acquireDone" | "releaseDone" | "evicted">(name: N, info: Info<N>): void {
    for (const hooks of this.#hooks) callHook(hooks, name, info as never);
  }

  /** Nothing more will be told. */
  end(): void {
    const hooks = this.#hooks;
    this.#hooks = [];
    for (const each of hooks) callHook(each, "end", undefined as never);
  }
}

/** Throws a `TypeError` that names `option` unless it can observe pools. */
export function checkPoolTrace(option: string, trace: unknown): void {
  for (const each of Array.isArray(trace) ? trace : [trace]) {
    if (typeof each !== "function" && (typeof each !== "object" || each === null)) {
      throw new TypeError(`${option} must be hooks, an observer or an array of them, got ${show(each)}`);
    }
  }
}
