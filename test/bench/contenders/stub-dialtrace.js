// @ts-check
import { inTurn } from "../loop.js";
import { fullStack } from "../stack.js";
import { stubDialer, target } from "../stub.js";

export function prepare() {
  const dial = fullStack(stubDialer);
  return (/** @type {number} */ n) => inTurn(n, () => dial(target));
}
