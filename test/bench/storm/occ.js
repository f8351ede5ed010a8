// @ts-check
import { createBackoff } from "../../../src/async/backoff.ts";
import { EventQueue } from "./event-queue.js";
import { Streams } from "./streams.js";

/**
 * The contention that "Exponential Backoff And Jitter" is about: clients that each write one row once. A client reads the row's version,
 * writes with it, and begins anew after a wait where another was faster. Times as in the article's own simulator: messages take
 * 10 ms with a standard deviation of 2 ms, waits begin at 5 ms and end at 2 s.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 * @see https://github.com/aws-samples/aws-arch-backoff-simulator
 */
const network = { meanMs: 10, deviationMs: 2 };

/** The article's first wait is doubled once already, but for decorrelated jitter. */
const base = { initialBackoffMs: 10, maxBackoffMs: 2_000 };

/** @type {Readonly<Record<string, (random: () => number) => () => (attempt: number, error: unknown) => number>>} */
export const occStrategies = {
  none: () => () => () => 0,
  exponential: (random) => createBackoff({ ...base, jitter: "none", random }),
  equal: (random) => createBackoff({ ...base, jitter: "equal", random }),
  full: (random) => createBackoff({ ...base, jitter: "full", random }),
  decorrelated: (random) => createBackoff({ ...base, initialBackoffMs: 5, jitter: "decorrelated", random }),
};

/** Where a client's message goes. */
const [read, readAnswer, write, writeAnswer] = [0, 1, 2, 3];

/**
 * @param {number} clients
 * @param {string} strategy - one of {@link occStrategies}.
 * @param {number} seed
 * @returns {{ calls: number, ms: number }} writes in all, and when the last was answered.
 */
export function contend(clients, strategy, seed) {
  const streams = new Streams(1, seed);
  const newBackoff = occStrategies[strategy]?.(streams.next);
  if (newBackoff === undefined) throw new RangeError(`no strategy ${strategy}`);
  const messages = new EventQueue(clients);
  const backoffs = Array.from({ length: clients }, newBackoff);
  const failures = new Uint32Array(clients);
  const stages = new Uint8Array(clients);
  /** The version that a client has read, then whether its write was taken. */
  const payloads = new Uint32Array(clients);
  let version = 0;
  let calls = 0;
  let nowMs = 0;

  for (let client = 0; client < clients; client += 1) send(client, read, 0);
  while (messages.size > 0) {
    nowMs = messages.nextAt;
    deliver(messages.pop());
  }
  return { calls, ms: nowMs };

  /** @param {number} client @param {number} stage @param {number} waitMs */
  function send(client, stage, waitMs) {
    stages[client] = stage;
    messages.push(nowMs + waitMs + Math.abs(normal(network, streams.next)), client);
  }

  /** @param {number} client */
  function deliver(client) {
    switch (stages[client]) {
      case read:
        payloads[client] = version;
        return send(client, readAnswer, 0);
      case readAnswer:
        return send(client, write, 0);
      case write: {
        calls += 1;
        const taken = payloads[client] === version;
        if (taken) version += 1;
        payloads[client] = Number(taken);
        return send(client, writeAnswer, 0);
      }
      case writeAnswer: {
        if (payloads[client] === 1) return;
        const failed = /** @type {number} */ (failures[client]) + 1;
        failures[client] = failed;
        return send(client, read, /** @type {Function} */ (backoffs[client])(failed, undefined));
      }
    }
  }
}

/** Box and Muller's. @param {typeof network} of @param {() => number} random */
function normal({ meanMs, deviationMs }, random) {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return meanMs + deviationMs * radius * Math.cos(2 * Math.PI * random());
}

/**
 * The mean of several goes.
 * @param {number} clients @param {string} strategy @param {number} goes
 */
export function meanContention(clients, strategy, goes) {
  let calls = 0;
  let ms = 0;
  for (let go = 0; go < goes; go += 1) {
    const result = contend(clients, strategy, go);
    calls += result.calls / goes;
    ms += result.ms / goes;
  }
  return { calls, ms };
}
