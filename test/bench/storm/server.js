// @ts-check

/**
 * @typedef {object} ServerOptions
 * @property {number} upAtMs - time of the restart; before it, every attempt is refused immediately, as by a host without the process.
 * @property {number} perSecond - connections that it accepts per second, one after the other.
 * @property {number} backlog - connections that may wait to be accepted, in addition to the one being accepted.
 * @property {"refuse" | "drop"} full - the outcome of other attempts: refused immediately, or no reply until the client's timeout.
 */

/** Results of `offer` that are not a time. */
export const refused = -1;
export const dropped = -2;

/**
 * A server with a listen backlog. It accepts connections in order of arrival at a constant rate, so the time of each is
 * known when it arrives, and the backlog is one number. A connection whose client has given up is still accepted, since a
 * server notices only then.
 */
export class Server {
  /** Time at which the last connection of the backlog will have been accepted. */
  #freeAt;
  #options;
  #perConnectionMs;

  /** @param {ServerOptions} options */
  constructor(options) {
    this.#options = options;
    this.#freeAt = options.upAtMs;
    this.#perConnectionMs = 1000 / options.perSecond;
  }

  /**
   * Handles an attempt that arrives now.
   * @param {number} nowMs - not earlier than in the previous call.
   * @returns {number} the time at which it is accepted, {@link refused} or {@link dropped}.
   */
  offer(nowMs) {
    const { upAtMs, backlog, full } = this.#options;
    if (nowMs < upAtMs) return refused;
    if (this.#freeAt - nowMs > backlog * this.#perConnectionMs) return full === "refuse" ? refused : dropped;
    this.#freeAt = Math.max(nowMs, this.#freeAt) + this.#perConnectionMs;
    return this.#freeAt;
  }
}
