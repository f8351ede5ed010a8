import { checkObservers } from "../core/check-hooks.ts";
import { callEach, ObserverList } from "../core/observer-list.ts";
import type { OptionNames } from "../support/validate.ts";
import type { ObservedPool, PoolTrace, PoolTraceLike } from "./pool-trace.ts";

const hooks: OptionNames<PoolTrace> = { acquireDone: true, releaseDone: true, evicted: true, end: true };

const hookNames = Object.keys(hooks);

type Info<N extends "acquireDone" | "releaseDone" | "evicted"> = Parameters<NonNullable<PoolTrace[N]>>[0];

/** Calls the observers of one pool. Check {@link observed} before building an info object. */
export class PoolEvents {
  readonly #observers = new ObserverList<PoolTrace, ObservedPool>("pool", hookNames);

  /** Whether the pool has observers. */
  get observed(): boolean {
    return this.#observers.all.length > 0;
  }

  observe(trace: PoolTraceLike, pool: ObservedPool): void {
    this.#observers.add(trace, pool);
  }

  emit<N extends "acquireDone" | "releaseDone" | "evicted">(name: N, info: Info<N>): void {
    this.#observers.emit(name, info as never);
  }

  /** Calls the `end` hooks; no hook is called afterwards. */
  end(): void {
    callEach(this.#observers.remove(this.#observers.all), "end", undefined as never);
  }
}

/** Throws a `TypeError` that names `option` unless `trace` can observe pools. */
export function checkPoolTrace(option: string, trace: unknown): void {
  checkObservers(option, trace, hookNames, "pools");
}
