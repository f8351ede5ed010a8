/** Length of a time bucket in milliseconds. */
export const bucketMs = 10_000;
/** Number of time buckets. */
export const bucketCount = 60;

/** Recent successes and failures of dials, in buckets by the time of their end. */
export class Rates {
  readonly #succeeded = new Uint32Array(bucketCount);
  readonly #failed = new Uint32Array(bucketCount);
  /** The period that each bucket holds: periods of that length since the epoch. */
  readonly #periods = new Float64Array(bucketCount);

  add(failed: boolean, atMs: number): void {
    const period = Math.floor(atMs / bucketMs);
    const index = period % bucketCount;
    if (this.#periods[index] !== period) {
      // A bucket of another period, even a later one if the clock was set back, starts again.
      this.#periods[index] = period;
      this.#succeeded[index] = 0;
      this.#failed[index] = 0;
    }
    const counts = failed ? this.#failed : this.#succeeded;
    counts[index] = (counts[index] ?? 0) + 1;
  }

  /** Returns the counts of all buckets, oldest first. The last bucket contains `nowMs`. */
  read(nowMs: number): { succeeded: number[]; failed: number[] } {
    const last = Math.floor(nowMs / bucketMs);
    const periods = Array.from({ length: bucketCount }, (_, index) => last - bucketCount + 1 + index);
    const of = (counts: Uint32Array) =>
      periods.map((period) => {
        const index = period % bucketCount;
        return this.#periods[index] === period ? (counts[index] ?? 0) : 0;
      });
    return { succeeded: of(this.#succeeded), failed: of(this.#failed) };
  }
}
