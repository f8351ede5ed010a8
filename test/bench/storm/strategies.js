// @ts-check
import { createBackoff } from "../../../src/async/backoff.ts";
import { reconnectDelay } from "../../../src/nats/reconnect-delay.ts";

/**
 * @typedef {(attempt: number, error: unknown, sinceLastTryMs: number) => number} Wait - milliseconds before the next attempt.
 * @typedef {(random: () => number) => () => Wait} NewWaits - returns a factory that is called once per dial, or once per outage.
 *
 * @typedef {object} Strategy
 * @property {string} name
 * @property {{ maxAttempts: number, waits: NewWaits }} dial - the retries within a dial.
 * @property {NewWaits} [loop] - the delay before each dial of an outage, including the first, for clients that dial until they succeed.
 * @property {{ clients: number, share: (now: () => number, number: number) => Shared }} [process] - number of clients per process, and what process `number` shares among them.
 *
 * @typedef {object} Shared
 * @property {{ deposit(): void, withdraw(): unknown }} [budget] - retry budget.
 * @property {{ admit(client: number): boolean, ended(client: number, error?: Error): void }} [breaker] - breaker around attempts.
 * @property {{ reserve(nowMs: number): number }} [limit] - rate limit: the time at which an attempt that begins now may proceed.
 */

/** `withRetry` with these options and unlimited attempts. @param {string} name @param {object} options @returns {Strategy} */
export function retrying(name, options) {
  return { name, dial: { maxAttempts: Number.POSITIVE_INFINITY, waits: retryWaits(options) } };
}

/** A NATS client with these options of `connect`, over a dialer without retries. @param {string} name @param {object} options @returns {Strategy} */
export function reconnecting(name, options) {
  return { name, dial: { maxAttempts: 1, waits: retryWaits({}) }, loop: reconnectWaits(options) };
}

/** @param {object} options - options of `withRetry`. @returns {NewWaits} */
export const retryWaits = (options) => (random) => createBackoff({ ...options, random });

/** @param {object} options - options of the NATS `connect`. @returns {NewWaits} */
export const reconnectWaits = (options) => (random) => () => reconnectDelay(options, random);

export const fixed = retrying("fixed 2 s", { backoff: "constant", initialBackoffMs: 2_000, jitter: "none" });
export const stockNats = reconnecting("fixed 2 s + 0–100 ms", { reconnectTimeWait: 2_000 });
export const exponential = retrying("exponential", { jitter: "none" });
export const equal = retrying("equal jitter", { jitter: "equal" });
export const decorrelated = retrying("decorrelated jitter", { jitter: "decorrelated" });
export const full = retrying("full jitter", {});
export const nats = reconnecting("NATS default", {});

/** A fixed delay, a fixed delay as in NATS' own client, the defaults of `withRetry` with each kind of jitter, and the NATS default. */
export const strategies = [fixed, stockNats, exponential, equal, decorrelated, full, nats];
