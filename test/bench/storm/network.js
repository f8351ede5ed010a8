// @ts-check

/**
 * The time that a message takes, anew for each: even between half of `meanMs` and one and a half.
 * @param {number} meanMs
 * @param {() => number} random
 */
export const latency = (meanMs, random) => meanMs * (0.5 + random());

/** What an attempt fails with. */
export const refusedError = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
export const openError = Object.assign(new Error("breaker open"), { reason: "circuit_open" });
export const timeoutError = Object.assign(new Error("connect ETIMEDOUT"), { code: "ETIMEDOUT" });
