// @ts-check

/** Width of a bin in milliseconds. */
export const binMs = 100;

/** Counts the attempts that arrive at the server over time, and records when each client reconnected. */
export class Tally {
  #upAtMs;
  #untilMs;
  /** Attempts that arrived in each bin. */
  #bins;
  /** Time at which each client reconnected; `Infinity` if it has not. */
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

  /** @param {number} client @param {number} nowMs - ignored after the end of the simulation. */
  back(client, nowMs) {
    if (nowMs <= this.#untilMs) this.#backAt[client] = nowMs;
  }

  get clients() {
    return this.#backAt.length;
  }

  /** Number of clients that reconnected. */
  get returned() {
    return this.backTimes.findLastIndex(Number.isFinite) + 1;
  }

  /** Attempts that failed. */
  get wasted() {
    return this.attempts - this.returned;
  }

  /** Times at which clients reconnected, earliest first; `Infinity` for the others. */
  get backTimes() {
    if (!this.#sorted) this.#backAt.sort();
    this.#sorted = true;
    return this.#backAt;
  }

  /**
   * Milliseconds from the server's restart until this share of the clients has reconnected, or `Infinity`.
   * @param {number} share - above 0, at most 1.
   */
  untilBackMs(share) {
    const at = /** @type {number} */ (this.backTimes[Math.ceil(share * this.clients) - 1]);
    return at - this.#upAtMs;
  }

  /** The most attempts in any second, and in any second after the server's restart. */
  get peaks() {
    const seconds = this.perSecond(1_000);
    const up = Math.floor(this.#upAtMs / 1_000);
    return { ever: Math.max(...seconds), onceUp: Math.max(...seconds.slice(up)) };
  }

  /** Mean attempts per second, from the start of the outage to the last attempt. */
  get mean() {
    const end = this.perSecond(binMs).length * binMs;
    return this.attempts / (end / 1_000);
  }

  /**
   * Attempts per second, in steps of `stepMs`, up to the last attempt.
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
