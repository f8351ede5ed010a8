// @ts-check
import { layers } from "../contenders/stub-layer.js";
import { printLine } from "../report.js";
import { measureSideBySide } from "../rounds.js";

export const title =
  "Each layer alone, over a dial without a network: its own cost, above compose(stub) measured in turn with it";

/** The most nanoseconds that a layer may add to a composed dialer. @type {Record<string, number>} */
const aims = {
  withTracing: 200,
  withPrometheus: 1500,
  "withDiagnosticsChannel, no subscriber": 200,
  "an inspector's layer": 1500,
};

/** @param {import("../part.js").Bench} bench */
export async function run({ quick, heading }) {
  heading();
  const base = { label: "compose(stub)", name: "stub-layer", variant: "compose(stub)" };
  const plan = { rounds: 3, slices: quick ? 4 : 8, warmUp: quick ? 5_000 : 20_000, n: quick ? 2_000 : 5_000 };
  for (const variant of layers) {
    const contenders = [base, { label: variant, name: "stub-layer", variant }];
    const [, timed] = await measureSideBySide(contenders, plan);
    const [, counted] = await measureSideBySide(contenders, { ...plan, rounds: 1, n: 1_000, measure: "bytes" });
    if (timed !== undefined && counted !== undefined) printLayer(variant, timed.own, counted.own.value);
  }
}

/** @param {string} label @param {import("../rounds.js").Result["own"]} own @param {number} bytes */
function printLayer(label, { value, low, high }, bytes) {
  const most = aims[label];
  // A difference smaller than its spread is noise.
  const isNoise = Math.abs(value) < high - low;
  const outcome = high <= (most ?? 0) ? "met" : low > (most ?? 0) ? "missed" : "undecided";
  const verdict = most === undefined ? "" : `aim at most ${most} ns: ${outcome}`;
  const spread = `(${low.toFixed(0)}–${high.toFixed(0)})${isNoise ? ", noise" : ""}`;
  printLine(label, `${value.toFixed(0)} ns`, `${spread.padEnd(24)} ${bytes.toFixed(0).padStart(6)} B`, verdict);
}
