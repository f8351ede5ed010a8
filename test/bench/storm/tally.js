// @ts-check

/** What is counted in one go. */
export const binMs = 100;

/** Counts a storm: attempts over time, as the server sees them, and when each client was back. */
export class Tally {
  #upAtMs;
  #untilMs;
  /** Attempts that arrived in each tenth of a second. */
  #bins;
  /** When each client was back; `Infinity` while it is not. */
  #backAt;
  #sorted = false;
  attempts = 0;
  attemptsOnceUp = 0;

  /** @param {number} clients @param {number} upAtMs @param {number} untilMs */
  constructor(clients, upAtMs, untilMs) {
    this.#upAtMs = upAtMs;
    this.#untilMs = untilMs;
    this.#bins = new Uint32Array(Math.ceil(untilMs / binMs) + 1);
    this.#backAt = new Float64Array(clients).fill(Number.POSITIVE_INFINITY);
  }

  /** @param {number} nowMs */
  attempt(nowMs) {
    this.attempts += 1;
    if (nowMs >= this.#upAtMs) this.attemptsOnceUp += 1;
    const bin = Math.floor(nowMs / binMs);
    this.#bins[bin] = /** @type {number} */ (this.#bins[bin]) + 1;
  }

  /** @param {number} client @param {number} nowMs - after the end it counts nothing. */
  back(client, nowMs) {
    if (nowMs <= this.#untilMs) this.#backAt[client] = nowMs;
  }

  get clients() {
    return this.#backAt.length;
  }

  /** How many are back. */
  get returned() {
    return this.backTimes.findLastIndex(Number.isFinite) + 1;
  }

  /** Attempts that came to nothing. */
  get wasted() {
    return this.attempts - this.returned;
  }

  /** When clients were back, earliest first; of those that weren't, `Infinity`. */
  get backTimes() {
    if (!this.#sorted) this.#backAt.sort();
    this.#sorted = true;
    return this.#backAt;
  }

  /**
   * Milliseconds from the server's return until a share of all clients is back, `Infinity` where it never was.
   * @param {number} share - above 0, at most 1.
   */
  untilBackMs(share) {
    const at = /** @type {number} */ (this.backTimes[Math.ceil(share * this.clients) - 1]);
    return at - this.#upAtMs;
  }

  /** The most attempts in a second, and the second after the server's return that had the most. */
  get peaks() {
    const seconds = this.perSecond(1_000);
    const up = Math.floor(this.#upAtMs / 1_000);
    return { ever: Math.max(...seconds), onceUp: Math.max(...seconds.slice(up)) };
  }

  /** Attempts a second, from the loss until the last client was back or the end. */
  get mean() {
    const end = this.perSecond(binMs).length * binMs;
    return this.attempts / (end / 1_000);
  }

  /**
   * Attempts a second, in steps of `stepMs`, up to the last.
   * @param {number} stepMs - a multiple of {@link binMs}.
   */
  perSecond(stepMs) {
    const last = this.#bins.findLastIndex((count) => count > 0);
    const perStep = stepMs / binMs;
    const steps = new Array(Math.ceil((last + 1) / perStep)).fill(0);
    for (let bin = 0; bin <= last; bin += 1) steps[Math.floor(bin / perStep)] += this.#bins[bin];
    return steps.map((count) => (count * 1_000) / stepMs);
  }
}
