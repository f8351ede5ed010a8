/** Buckets of time, each this long. */
export const bucketMs = 10_000;
export const bucketCount = 60;

/** How many dials have succeeded and failed lately, by the time of their ends. */
export class Rates {
  readonly #succeeded = new Uint32Array(bucketCount);
  readonly #failed = new Uint32Array(bucketCount);
  /** Which stretch of time each bucket stands for, counted from the epoch. */
  readonly #stretches = new Float64Array(bucketCount);

  add(failed: boolean, atMs: number): void {
    const stretch = Math.floor(atMs / bucketMs);
    const index = stretch % bucketCount;
    if (this.#stretches[index] !== stretch) {
      // The clock may have been set back: what it says now counts.
      this.#stretches[index] = stretch;
      this.#succeeded[index] = 0;
      this.#failed[index] = 0;
    }
    const counts = failed ? this.#failed : this.#succeeded;
    counts[index] = (counts[index] ?? 0) + 1;
  }

  /** Oldest first; the last bucket is the one that `nowMs` is in. */
  read(nowMs: number): { succeeded: number[]; failed: number[] } {
    const last = Math.floor(nowMs / bucketMs);
    const stretches = Array.from({ length: bucketCount }, (_, index) => last - bucketCount + 1 + index);
    const of = (counts: Uint32Array) =>
      stretches.map((stretch) => {
        const index = stretch % bucketCount;
        return this.#stretches[index] === stretch ? (counts[index] ?? 0) : 0;
      });
    return { succeeded: of(this.#succeeded), failed: of(this.#failed) };
  }
}
