// @ts-check
import { byHand } from "../by-hand.js";
import { inTurn } from "../loop.js";
import { stubDialer, target } from "../stub.js";

export function prepare() {
  const dial = byHand(target, stubDialer);
  return (/** @type {number} */ n) => inTurn(n, dial);
}
