import { checkObservers, warnOfHooks } from "../core/check-hooks.ts";
import { callHook, returnedHooks } from "../core/hooks.ts";
import { addPlace, type Place, placeOf } from "../support/observed-places.ts";
import { guarded } from "../support/user-call.ts";
import type { OptionNames } from "../support/validate.ts";
import type { ObservedPool, PoolObserver, PoolTrace, PoolTraceLike } from "./pool-trace.ts";

const hooks: OptionNames<PoolTrace> = { acquireDone: true, releaseDone: true, evicted: true, end: true };

const hookNames = Object.keys(hooks);

type Info<N extends "acquireDone" | "releaseDone" | "evicted"> = Parameters<NonNullable<PoolTrace[N]>>[0];

/** Calls the observers of one pool. Check {@link observed} before building an info object. */
export class PoolEvents {
  #hooks: readonly PoolTrace[] = [];

  /** Whether the pool has observers. */
  get observed(): boolean {
    return this.#hooks.length > 0;
  }

  observe(trace: PoolTraceLike, pool: ObservedPool): void {
    const observers = (Array.isArray(trace) ? trace : [trace]) as readonly (PoolTrace | PoolObserver)[];
    const what = "an observer of pools";
    let places: readonly Place[] = [];
    this.#hooks = observers.flatMap((each) => {
      const place = placeOf(each);
      if (place !== undefined) places = addPlace(place, places, "pool");
      if (typeof each !== "function") return each;
      const hooks = guarded(what, () => returnedHooks(what, each(pool)));
      warnOfHooks(what, hooks, hookNames);
      return hooks ?? [];
    });
  }

  emit<N extends "acquireDone" | "releaseDone" | "evicted">(name: N, info: Info<N>): void {
    for (const hooks of this.#hooks) callHook(hooks, name, info as never);
  }

  /** Calls the `end` hooks; no hook is called afterwards. */
  end(): void {
    const hooks = this.#hooks;
    this.#hooks = [];
    for (const each of hooks) callHook(each, "end", undefined as never);
  }
}

/** Throws a `TypeError` that names `option` unless `trace` can observe pools. */
export function checkPoolTrace(option: string, trace: unknown): void {
  checkObservers(option, trace, hookNames, "pools");
}
