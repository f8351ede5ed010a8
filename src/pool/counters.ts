import type { AcquireOutcome, EvictionReason, PoolCounts } from "./pool-trace.ts";

/** The fields of {@link PoolCounts} that are read from the current state rather than counted. */
export type PoolGauges = Pick<PoolCounts, "open" | "idle" | "used" | "dialing" | "waiting">;

/** Counts the events of one pool, or of its part for one target. A part also adds to the counters of the pool. */
export class Counters {
  readonly #acquires: Record<AcquireOutcome, number> = { hit: 0, miss: 0, timeout: 0, canceled: 0, failure: 0 };
  readonly #evictions: Record<EvictionReason, number> = {
    idle: 0,
    max_lifetime: 0,
    overflow: 0,
    stale: 0,
    unhealthy: 0,
    destroyed: 0,
    drain: 0,
  };
  #doubleReleases = 0;
  readonly #whole: Counters | undefined;

  constructor(whole?: Counters) {
    this.#whole = whole;
  }

  acquired(outcome: AcquireOutcome): void {
    this.#acquires[outcome] += 1;
    this.#whole?.acquired(outcome);
  }

  evicted(reason: EvictionReason): void {
    this.#evictions[reason] += 1;
    this.#whole?.evicted(reason);
  }

  releasedAgain(): void {
    this.#doubleReleases += 1;
    this.#whole?.releasedAgain();
  }

  /** Combines the counters with the current state. */
  with(gauges: PoolGauges): PoolCounts {
    const { hit: hits, miss: misses, timeout: timeouts, canceled, failure: failures } = this.#acquires;
    return {
      ...gauges,
      hits,
      misses,
      timeouts,
      canceled,
      failures,
      evictions: { ...this.#evictions },
      doubleReleases: this.#doubleReleases,
    };
  }
}
