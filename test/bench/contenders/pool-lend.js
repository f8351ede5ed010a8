// @ts-check
import { pools } from "../pools.js";

/** Acquires and releases connections, one after the other. @param {{ variant: string }} settings */
export function prepare({ variant }) {
  const acquire = /** @type {NonNullable<typeof pools[string]>} */ (pools[variant])(10);
  return async (/** @type {number} */ n) => {
    for (let i = 0; i < n; i += 1) (await acquire())();
  };
}
