/**
 * A moving average of latencies that jumps to a peak at once and comes down slowly: after `decayMs` of
 * lower ones, or of none at all, a peak counts for 1/e. Latencies come at uneven times, so each weighs by the
 * time since the one before.
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

  /** Whether there has been any latency. */
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

  /** The average now. It falls while nothing is measured, so that a target that was slow once is tried again. */
  at(now: number): number {
    return this.#ms * this.#kept(now);
  }

  #kept(now: number): number {
    return Math.exp(-Math.max(0, now - (this.#measuredAt ?? now)) / this.#decayMs);
  }
}
