// @ts-check
import { retryBudget } from "../../../src/index.ts";
import { Gate } from "./gate.js";
import { Pace } from "./pace.js";
import { full, nats, reconnectWaits, retryWaits } from "./strategies.js";
import { Streams } from "./streams.js";

/** @typedef {import("./strategies.js").Strategy} Strategy */

/** Clients that live in one process, and share what it shares. */
const clients = 100;

/** A NATS client over a dialer with the default retry: each of its tries to reconnect is up to four attempts. @type {Strategy} */
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

/** @param {Strategy} strategy @param {number} dialsPerSecond - of a process. @returns {Strategy} */
export function paced(strategy, dialsPerSecond) {
  const share = () => ({ limit: new Pace({ dialsPerSecond, burst: Math.ceil(dialsPerSecond) }) });
  return { ...strategy, name: `${strategy.name}, ${dialsPerSecond}/s a process`, process: { clients, share } };
}

/** @param {Strategy} strategy - that dials until it is back. @param {number} seed - of the breakers' own waits. @returns {Strategy} */
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

/** The NATS default behind a limit of each process, which lets the fleet of `serverFor` dial twice as fast as its server accepts. */
export const limitedNats = paced(nats, 10);

/** Retries within retries, with and without budgets; waits behind limits that come to what the server accepts, and to twice that; breakers. */
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
