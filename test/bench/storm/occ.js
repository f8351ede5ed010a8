// @ts-check
import { createBackoff } from "../../../src/async/backoff.ts";
import { EventQueue } from "./event-queue.js";
import { Streams } from "./streams.js";

/**
 * The optimistic concurrency control of the article "Exponential Backoff And Jitter". Each client writes the same row once:
 * it reads the row's version and writes with that version. If another client has written meanwhile, it backs off and starts
 * again. The times are those of the article's simulator: a message takes 10 ms with a standard deviation of 2 ms, and the
 * backoff grows from 5 ms to 2 s.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 * @see https://github.com/aws-samples/aws-arch-backoff-simulator
 */
const network = { meanMs: 10, deviationMs: 2 };

/** The article doubles its first backoff already, except for decorrelated jitter. */
const base = { initialBackoffMs: 10, maxBackoffMs: 2_000 };

/** @type {Readonly<Record<string, (random: () => number) => () => (attempt: number, error: unknown) => number>>} */
export const occStrategies = {
  none: () => () => () => 0,
  exponential: (random) => createBackoff({ ...base, jitter: "none", random }),
  equal: (random) => createBackoff({ ...base, jitter: "equal", random }),
  full: (random) => createBackoff({ ...base, jitter: "full", random }),
  decorrelated: (random) => createBackoff({ ...base, initialBackoffMs: 5, jitter: "decorrelated", random }),
};

/** The stages of a client: its message in flight. */
const [read, readAnswer, write, writeAnswer] = [0, 1, 2, 3];

/**
 * @param {number} clients
 * @param {string} strategy - one of {@link occStrategies}.
 * @param {number} seed
 * @returns {{ calls: number, ms: number }} number of writes, and the time of the last reply.
 */
export function contend(clients, strategy, seed) {
  const streams = new Streams(1, seed);
  const newBackoff = occStrategies[strategy]?.(streams.next);
  if (newBackoff === undefined) throw new RangeError(`no strategy ${strategy}`);
  const messages = new EventQueue(clients);
  const backoffs = Array.from({ length: clients }, newBackoff);
  const failures = new Uint32Array(clients);
  const stages = new Uint8Array(clients);
  /** The version that a client has read, then whether its write was accepted. */
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

/** A normally distributed number (Box-Muller). @param {typeof network} of @param {() => number} random */
function normal({ meanMs, deviationMs }, random) {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return meanMs + deviationMs * radius * Math.cos(2 * Math.PI * random());
}

/**
 * The mean of several runs.
 * @param {number} clients @param {string} strategy @param {number} runs
 */
export function meanContention(clients, strategy, runs) {
  let calls = 0;
  let ms = 0;
  for (let run = 0; run < runs; run += 1) {
    const result = contend(clients, strategy, run);
    calls += result.calls / runs;
    ms += result.ms / runs;
  }
  return { calls, ms };
}
