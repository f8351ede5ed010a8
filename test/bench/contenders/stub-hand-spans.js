// @ts-check
import { handTracedStack } from "../hand-spans.js";
import { inTurn } from "../loop.js";
import { stubDialer, target } from "../stub.js";

export function prepare() {
  const dial = handTracedStack(stubDialer);
  return (/** @type {number} */ n) => inTurn(n, () => dial(target));
}
