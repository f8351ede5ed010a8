// @ts-check

/**
 * What `withRateLimit` comes to without its timers: those who wait go first come, first served, so that the turn of each is known
 * when it comes. The same rule, GCRA; the layer's waits are of whole milliseconds, so that it differs by one at most.
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
   * Takes the next turn.
   * @param {number} nowMs
   * @returns {number} when it is, no earlier than now.
   */
  reserve(nowMs) {
    const goesMs = Math.max(nowMs, this.#fullAt - this.#toleranceMs);
    this.#fullAt = Math.max(goesMs, this.#fullAt) + this.#intervalMs;
    return goesMs;
  }
}
