// @ts-check
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { stop } from "./peers.js";

/**
 * @typedef {object} Contender
 * @property {string} label
 * @property {string} name - name of the file in contenders/.
 * @property {string} [variant]
 * @property {boolean} [sdk] - whether OpenTelemetry's SDK is registered.
 *
 * @typedef {object} Plan
 * @property {number} rounds - number of rounds, each in new processes.
 * @property {number} slices - number of slices in a round.
 * @property {number} warmUp - iterations of each process before the first slice.
 * @property {number} n - iterations of a slice.
 * @property {"time" | "cpu" | "bytes"} [measure]
 * @property {number} [port] - port of the peer that the contenders share.
 *
 * @typedef {object} Result
 * @property {Contender} contender
 * @property {number} value - the median.
 * @property {number} ratio - ratio to the first contender, the median of the rounds.
 * @property {number} low
 * @property {number} high
 * @property {{ value: number, low: number, high: number }} own - difference to the first contender, likewise.
 */

const childFile = fileURLToPath(new URL("child.js", import.meta.url));

/** A young generation that holds all allocations of a slice, so that none is collected before it is counted. */
const roomyHeap = ["--min-semi-space-size=64", "--max-semi-space-size=64"];

/**
 * Measures contenders side by side. Each has its own process and is warmed up. The slices then alternate between the
 * contenders, in alternating order, so that other load affects all alike. Each slice is compared with the first contender's.
 *
 * @param {readonly Contender[]} contenders
 * @param {Plan} plan
 * @returns {Promise<Result[]>}
 */
export async function measureSideBySide(contenders, plan) {
  const rounds = [];
  for (let round = 0; round < plan.rounds; round += 1) rounds.push(await measureRound(contenders, plan, round));
  return relate(contenders, rounds);
}

/**
 * Compares measurements with those of the first contender.
 *
 * @param {readonly Contender[]} contenders
 * @param {readonly (readonly (readonly number[])[])[]} rounds - rounds of slices, with one value per contender.
 * @returns {Result[]}
 */
export function relate(contenders, rounds) {
  return contenders.map((contender, index) => {
    const own = rounds.map((slices) => slices.map((slice) => slice[index] ?? Number.NaN));
    const ratios = rounds.map((slices, round) =>
      median(slices.map((slice, at) => (own[round]?.[at] ?? Number.NaN) / (slice[0] ?? Number.NaN))),
    );
    const differences = rounds.map((slices, round) =>
      median(slices.map((slice, at) => (own[round]?.[at] ?? Number.NaN) - (slice[0] ?? Number.NaN))),
    );
    return {
      contender,
      value: median(own.map(median)),
      ratio: median(ratios),
      low: Math.min(...ratios),
      high: Math.max(...ratios),
      own: { value: median(differences), low: Math.min(...differences), high: Math.max(...differences) },
    };
  });
}

/** @param {readonly Contender[]} contenders @param {Plan} plan @param {number} round */
async function measureRound(contenders, { slices, warmUp, n, measure = "time", port }, round) {
  const children = [];
  try {
    for (const { name, variant, sdk } of contenders) {
      const child = await startChild(name, { variant, sdk, port }, measure);
      children.push(child);
      await child.measure(measure, warmUp);
    }
    const found = [];
    for (let slice = 0; slice < slices; slice += 1) {
      const order = [...children.entries()];
      if ((round + slice) % 2 === 1) order.reverse();
      /** @type {number[]} */
      const values = [];
      for (const [index, child] of order) values[index] = await child.measure(measure, n);
      found.push(values);
    }
    return found;
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
}

/** @param {string} name @param {object} settings @param {string} purpose */
async function startChild(name, settings, purpose) {
  const execArgv = [...new Set(["--expose-gc", ...process.execArgv]), ...(purpose === "bytes" ? roomyHeap : [])];
  const child = fork(childFile, [name, JSON.stringify(settings)], { execArgv });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`${name} ${JSON.stringify(settings)} ended with ${code}`);
  });
  ended.catch(() => {});
  const answer = () => Promise.race([once(child, "message"), ended]);
  await answer();
  return {
    /** @param {string} measure @param {number} n @returns {Promise<number>} */
    async measure(measure, n) {
      child.send({ measure, n });
      return (await answer())[0];
    },
    stop: () => stop(child),
  };
}

/** @param {readonly number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
