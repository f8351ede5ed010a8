/** Length of a time bucket in milliseconds. */
export const bucketMs = 10_000;
/** Number of time buckets. */
export const bucketCount = 60;

/**
 * The events that are counted by time. Dials that are mended, which succeed after more than one attempt, are counted as
 * succeeded as well.
 */
const kinds = ["succeeded", "mended", "failed", "attemptSucceeded", "attemptFailed", "retry", "failover"] as const;

/** A kind of event that is counted by time. */
export type RecentEvent = (typeof kinds)[number];

/** Recent events of dials, in buckets of time. */
export class Rates {
  /** One row of buckets per kind. */
  readonly #counts = Object.fromEntries(kinds.map((kind) => [kind, new Uint32Array(bucketCount)])) as Record<
    RecentEvent,
    Uint32Array
  >;
  /** The period that each bucket holds: periods of that length since the epoch. */
  readonly #periods = new Float64Array(bucketCount);

  add(kind: RecentEvent, atMs: number): void {
    const period = Math.floor(atMs / bucketMs);
    const index = period % bucketCount;
    if (this.#periods[index] !== period) {
      // A bucket of another period, even a later one if the clock was set back, starts again.
      this.#periods[index] = period;
      for (const each of kinds) this.#counts[each][index] = 0;
    }
    const counts = this.#counts[kind];
    counts[index] = (counts[index] ?? 0) + 1;
  }

  /** Returns the counts of all buckets, oldest first. The last bucket contains `nowMs`. */
  read(kind: RecentEvent, nowMs: number): number[] {
    const last = Math.floor(nowMs / bucketMs);
    return Array.from({ length: bucketCount }, (_, age) => {
      const period = last - bucketCount + 1 + age;
      const index = period % bucketCount;
      return this.#periods[index] === period ? (this.#counts[kind][index] ?? 0) : 0;
    });
  }

  /** Returns the sum over all buckets. */
  total(kind: RecentEvent, nowMs: number): number {
    return this.read(kind, nowMs).reduce((sum, count) => sum + count, 0);
  }
}
