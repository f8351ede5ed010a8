/**
 * A moving average of latencies that rises to a peak immediately and falls slowly: a peak decays to 1/e in `decayMs`,
 * whether lower latencies are measured meanwhile or none. Latencies arrive at irregular times, so each is weighted by
 * the time since the previous one.
 *
 * @see https://github.com/twitter/finagle/blob/develop/finagle-core/src/main/scala/com/twitter/finagle/loadbalancer/PeakEwma.scala
 * @see https://docs.rs/tower/latest/tower/load/struct.PeakEwma.html
 */
export class PeakEwma {
  readonly #decayMs: number;
  #ms = 0;
  #measuredAt: number | undefined;

  constructor(decayMs: number) {
    this.#decayMs = decayMs;
  }

  /** Whether a latency was measured. */
  get measured(): boolean {
    return this.#measuredAt !== undefined;
  }

  observe(latencyMs: number, now: number): void {
    if (latencyMs >= this.#ms) {
      this.#ms = latencyMs;
    } else {
      const kept = this.#kept(now);
      this.#ms = this.#ms * kept + latencyMs * (1 - kept);
    }
    this.#measuredAt = now;
  }

  /** Returns the average at `now`. It falls while nothing is measured, so that a target that was slow is tried again. */
  at(now: number): number {
    return this.#ms * this.#kept(now);
  }

  #kept(now: number): number {
    return Math.exp(-Math.max(0, now - (this.#measuredAt ?? now)) / this.#decayMs);
  }
}
