// @ts-check

/**
 * Latency of one message, uniform from 0.5 to 1.5 × `meanMs`.
 * @param {number} meanMs
 * @param {() => number} random
 */
export const latency = (meanMs, random) => meanMs * (0.5 + random());

/** The errors of failed attempts. */
export const refusedError = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
export const openError = Object.assign(new Error("breaker open"), { reason: "circuit_open" });
export const timeoutError = Object.assign(new Error("connect ETIMEDOUT"), { code: "ETIMEDOUT" });
