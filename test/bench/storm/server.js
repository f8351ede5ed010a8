// @ts-check

/**
 * @typedef {object} ServerOptions
 * @property {number} upAtMs - when it is back; until then every attempt is refused at once, as by a machine without the process.
 * @property {number} perSecond - connections that it accepts a second, one after the other.
 * @property {number} backlog - that may wait to be accepted, beside the one in the works.
 * @property {"refuse" | "drop"} full - what befalls the rest: a reset at once, or silence until the client's timeout.
 */

/** An attempt's fate, where it is not the time at which it is accepted. */
export const refused = -1;
export const dropped = -2;

/**
 * A server with a listen backlog. It accepts in the order of arrival at an even pace, so that the time of each is known when it
 * comes, and the backlog is one number. What has given up waiting is still accepted, for a server learns of it only then.
 */
export class Server {
  /** When the last in the backlog will have been accepted. */
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
   * An attempt that arrives now.
   * @param {number} nowMs - no earlier than in the call before.
   * @returns {number} when it is accepted, {@link refused} or {@link dropped}.
   */
  offer(nowMs) {
    const { upAtMs, backlog, full } = this.#options;
    if (nowMs < upAtMs) return refused;
    if (this.#freeAt - nowMs > backlog * this.#perConnectionMs) return full === "refuse" ? refused : dropped;
    this.#freeAt = Math.max(nowMs, this.#freeAt) + this.#perConnectionMs;
    return this.#freeAt;
  }
}
