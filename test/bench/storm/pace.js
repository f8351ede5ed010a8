// @ts-check

/**
 * `withRateLimit` without its timers. Attempts proceed in order of arrival, so the time of each is known when it arrives.
 * The rule is the same, GCRA. The layer rounds to whole milliseconds, so its times differ by at most one.
 */
export class Pace {
  #intervalMs;
  #toleranceMs;
  #fullAt = Number.NEGATIVE_INFINITY;

  /** @param {{ dialsPerSecond: number, burst: number }} options */
  constructor({ dialsPerSecond, burst }) {
    this.#intervalMs = 1_000 / dialsPerSecond;
    this.#toleranceMs = this.#intervalMs * (burst - 1);
  }

  /**
   * Reserves the next slot.
   * @param {number} nowMs
   * @returns {number} the time of the slot, `nowMs` or later.
   */
  reserve(nowMs) {
    const goesMs = Math.max(nowMs, this.#fullAt - this.#toleranceMs);
    this.#fullAt = Math.max(goesMs, this.#fullAt) + this.#intervalMs;
    return goesMs;
  }
}
