// @ts-check
import { pools } from "../pools.js";

/** Acquires one connection `n` times at once, and releases it each time immediately. @param {{ variant: string }} settings */
export function prepare({ variant }) {
  const acquire = /** @type {NonNullable<typeof pools[string]>} */ (pools[variant])(1);
  return async (/** @type {number} */ n) => {
    await Promise.all(Array.from({ length: n }, async () => (await acquire())()));
  };
}
