// @ts-check
import { retryBudget } from "../../../src/index.ts";
import { Gate } from "./gate.js";
import { Pace } from "./pace.js";
import { full, nats, reconnectWaits, retryWaits } from "./strategies.js";
import { Streams } from "./streams.js";

/** @typedef {import("./strategies.js").Strategy} Strategy */

/** Number of clients of one process. */
const clients = 100;

/** A NATS client over a dialer with the default retry: each reconnect makes up to four attempts. @type {Strategy} */
export const nested = {
  name: "NATS default × 4 attempts",
  dial: { maxAttempts: 4, waits: retryWaits({}) },
  loop: reconnectWaits({}),
};

/** @param {Strategy} strategy @param {{ share?: number, minPerSecond?: number }} [options] @returns {Strategy} */
export function budgeted(strategy, options = {}) {
  const named = Object.entries(options).map(([name, value]) => ` (${name} ${value})`);
  return {
    ...strategy,
    name: `${strategy.name}, budget${named.join("")}`,
    process: { clients, share: (now) => ({ budget: retryBudget({ ...options, clock: clockOf(now) }) }) },
  };
}

/** @param {Strategy} strategy @param {number} dialsPerSecond - limit of one process. @returns {Strategy} */
export function paced(strategy, dialsPerSecond) {
  const share = () => ({ limit: new Pace({ dialsPerSecond, burst: Math.ceil(dialsPerSecond) }) });
  return { ...strategy, name: `${strategy.name}, ${dialsPerSecond}/s per process`, process: { clients, share } };
}

/** @param {Strategy} strategy - one that dials until it succeeds. @param {number} seed - seed of the breakers' jitter. @returns {Strategy} */
export function gated(strategy, seed) {
  return {
    ...strategy,
    name: `${strategy.name}, breaker`,
    process: {
      clients,
      share: (now, number) => ({ breaker: new Gate(clockOf(now), new Streams(1, seed + number).next) }),
    },
  };
}

/** The NATS default with a rate limit per process. Together the processes may dial twice as fast as the server accepts. */
export const limitedNats = paced(nats, 10);

/** Nested retries with and without budgets; rate limits of one and two times the capacity of the server; a breaker. */
export const sharedStrategies = [
  nested,
  budgeted(nested),
  budgeted(nested, { minPerSecond: 1 }),
  paced(full, 5),
  paced(full, 10),
  paced(nats, 5),
  limitedNats,
  paced(nested, 10),
  gated(nats, 1),
];

/** @param {() => number} now @returns {import("../../../src/index.ts").Clock} */
function clockOf(now) {
  const noTimers = () => {
    throw new Error("a simulated process sets no timers");
  };
  return { now, setTimeout: noTimers, clearTimeout: noTimers };
}
