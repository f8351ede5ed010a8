// @ts-check
import { createBackoff } from "../../../src/async/backoff.ts";
import { reconnectDelay } from "../../../src/nats/reconnect-delay.ts";

/**
 * @typedef {(attempt: number, error: unknown, sinceLastTryMs: number) => number} Wait - milliseconds before the next try.
 * @typedef {(random: () => number) => () => Wait} NewWaits - makes a maker of waits, which is called once a dial or an outage.
 *
 * @typedef {object} Strategy
 * @property {string} name
 * @property {{ maxAttempts: number, waits: NewWaits }} dial - what `withRetry` does within a dial.
 * @property {NewWaits} [loop] - the wait before each dial of an outage, the first included, of a client that dials until it is back.
 * @property {{ clients: number, share: (now: () => number, number: number) => Shared }} [process] - how many clients share one, and what they share, by its number.
 *
 * @typedef {object} Shared
 * @property {{ deposit(): void, withdraw(): unknown }} [budget] - of retries.
 * @property {{ admit(client: number): boolean, ended(client: number, error?: Error): void }} [breaker] - around attempts.
 * @property {{ reserve(nowMs: number): number }} [limit] - of attempts: when one that begins now may go.
 */

/** `withRetry` with these options, for as long as it takes. @param {string} name @param {object} options @returns {Strategy} */
export function retrying(name, options) {
  return { name, dial: { maxAttempts: Number.POSITIVE_INFINITY, waits: retryWaits(options) } };
}

/** A NATS client of this package, with these options of `connect`, over a dialer that doesn't retry. @param {string} name @param {object} options @returns {Strategy} */
export function reconnecting(name, options) {
  return { name, dial: { maxAttempts: 1, waits: retryWaits({}) }, loop: reconnectWaits(options) };
}

/** @param {object} options - of `withRetry`. @returns {NewWaits} */
export const retryWaits = (options) => (random) => createBackoff({ ...options, random });

/** @param {object} options - of NATS' `connect`. @returns {NewWaits} */
export const reconnectWaits = (options) => (random) => () => reconnectDelay(options, random);

export const fixed = retrying("fixed 2 s", { backoff: "constant", initialBackoffMs: 2_000, jitter: "none" });
export const stockNats = reconnecting("fixed 2 s + 0–100 ms", { reconnectTimeWait: 2_000 });
export const exponential = retrying("exponential", { jitter: "none" });
export const equal = retrying("equal jitter", { jitter: "equal" });
export const decorrelated = retrying("decorrelated jitter", { jitter: "decorrelated" });
export const full = retrying("full jitter", {});
export const nats = reconnecting("NATS default", {});

/** Fixed waits as the article has them and as NATS' own client does, `withRetry` at its defaults with each kind of jitter, and the NATS default. */
export const strategies = [fixed, stockNats, exponential, equal, decorrelated, full, nats];
