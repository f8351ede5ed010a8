// @ts-check
import { pools } from "../pools.js";

/** All ask at once for one connection; each releases it as soon as it is his. @param {{ variant: string }} settings */
export function prepare({ variant }) {
  const acquire = /** @type {NonNullable<typeof pools[string]>} */ (pools[variant])(1);
  return async (/** @type {number} */ n) => {
    await Promise.all(Array.from({ length: n }, async () => (await acquire())()));
  };
}
