// @ts-check
import { EventQueue } from "./event-queue.js";
import { latency, openError, refusedError, timeoutError } from "./network.js";
import { dropped, refused, Server } from "./server.js";
import { Streams } from "./streams.js";
import { Tally } from "./tally.js";

/**
 * @typedef {object} Storm
 * @property {number} clients - number of clients that lose the server at time 0.
 * @property {import("./server.js").ServerOptions} server
 * @property {import("./strategies.js").Strategy} strategy
 * @property {number} latencyMs - average latency of one direction.
 * @property {number} timeoutMs - timeout of an attempt.
 * @property {number} untilMs - end of the simulation.
 * @property {number} seed
 *
 * @typedef {import("./strategies.js").Wait} Wait
 */

/** Events of a client: a dial begins, an attempt begins, arrives at the server, fails, or succeeds. */
const [beginning, trying, arriving, failing, succeeding] = [0, 1, 2, 3, 4];
const stages = 5;

/**
 * Lets every client reconnect with its strategy, and counts the attempts. It runs no dialers, since a million of them would
 * not fit into memory. Backoffs, budgets and breakers are the package's own, called from one queue of events.
 * test/storm/dialers.test.ts compares the results with those of real dialers.
 *
 * It is one long function, since its steps share arrays with one entry per client.
 *
 * @param {Storm} storm
 */
export function simulate({ clients, server: serverOptions, strategy, latencyMs, timeoutMs, untilMs, seed }) {
  let clockMs = 0;
  const server = new Server(serverOptions);
  const streams = new Streams(clients, seed);
  const { next: random } = streams;
  const tally = new Tally(clients, serverOptions.upAtMs, untilMs);
  const events = new EventQueue(clients);

  const { maxAttempts, waits } = strategy.dial;
  const newDialWait = waits(random);
  const newLoopWait = strategy.loop?.(random);
  const perProcess = strategy.process?.clients ?? Number.POSITIVE_INFINITY;
  const processes = Array.from(
    { length: strategy.process === undefined ? 0 : Math.ceil(clients / perProcess) },
    (_, number) => strategy.process?.share(() => clockMs, number),
  );

  /** Per outage: number of dials, and the delay before the next one. */
  const dials = new Uint32Array(clients);
  const loopWaits = /** @type {(Wait | undefined)[]} */ (Array.from({ length: clients }, () => newLoopWait?.()));
  /** Per dial. */
  const attempts = new Uint32Array(clients);
  const dialWaits = /** @type {(Wait | undefined)[]} */ (new Array(clients).fill(undefined));
  const sentAt = new Float64Array(clients).fill(Number.NEGATIVE_INFINITY);
  const timedOut = new Uint8Array(clients);

  for (let client = 0; client < clients; client += 1) {
    streams.current = client;
    dial(client, latency(latencyMs, random), undefined);
  }
  while (events.nextAt <= untilMs) {
    clockMs = events.nextAt;
    const event = events.pop();
    streams.current = Math.floor(event / stages);
    happen(event % stages, streams.current, clockMs);
  }
  return tally;

  /** @param {number} atMs @param {number} stage @param {number} client */
  function later(atMs, stage, client) {
    // If clients share only the server, the order of events elsewhere does not matter.
    if (stage !== arriving && strategy.process === undefined) happen(stage, client, atMs);
    else events.push(atMs, client * stages + stage);
  }

  /** @param {number} stage @param {number} client @param {number} nowMs */
  function happen(stage, client, nowMs) {
    if (stage === arriving) arrive(client, nowMs);
    else if (stage === failing) fail(client, nowMs);
    else if (stage === succeeding) succeed(client, nowMs);
    else if (stage === trying) attempt(client, nowMs);
    else begin(client, nowMs);
  }

  /** @param {number} client @param {number} nowMs @param {Error | undefined} error - the error of the previous dial. */
  function dial(client, nowMs, error) {
    const number = increment(dials, client);
    const waitMs = loopWaits[client]?.(number, error, nowMs - Number(sentAt[client])) ?? 0;
    later(nowMs + waitMs, beginning, client);
  }

  /** @param {number} client @param {number} nowMs */
  function begin(client, nowMs) {
    attempts[client] = 0;
    dialWaits[client] = undefined;
    shared(client)?.budget?.deposit();
    attempt(client, nowMs);
  }

  /** @param {number} client @param {number} nowMs */
  function attempt(client, nowMs) {
    // An open breaker is not retried: the dial ends, and the loop begins the next one.
    if (shared(client)?.breaker?.admit(client) === false) return dial(client, nowMs, openError);
    increment(attempts, client);
    const goesMs = shared(client)?.limit?.reserve(nowMs) ?? nowMs;
    sentAt[client] = goesMs;
    later(goesMs + latency(latencyMs, random), arriving, client);
  }

  /** @param {number} client @param {number} nowMs */
  function arrive(client, nowMs) {
    tally.attempt(nowMs);
    const endsMs = Number(sentAt[client]) + timeoutMs;
    const acceptedMs = server.offer(nowMs);
    const queuedMs = acceptedMs === refused ? 0 : acceptedMs - nowMs;
    const answeredMs = acceptedMs === dropped ? endsMs : nowMs + (queuedMs + latency(latencyMs, random));
    if (answeredMs < endsMs && acceptedMs !== refused) return later(answeredMs, succeeding, client);
    timedOut[client] = Number(answeredMs >= endsMs);
    later(Math.min(answeredMs, endsMs), failing, client);
  }

  /** @param {number} client @param {number} nowMs */
  function succeed(client, nowMs) {
    shared(client)?.breaker?.ended(client);
    tally.back(client, nowMs);
  }

  /** @param {number} client @param {number} nowMs */
  function fail(client, nowMs) {
    const error = timedOut[client] === 1 ? timeoutError : refusedError;
    shared(client)?.breaker?.ended(client, error);
    const made = Number(attempts[client]);
    if (made >= maxAttempts) return dial(client, nowMs, error);
    const wait = dialWaits[client] ?? newDialWait();
    dialWaits[client] = wait;
    const waitMs = wait(made, error, nowMs - Number(sentAt[client]));
    const budget = shared(client)?.budget;
    if (budget !== undefined && budget.withdraw() === undefined) return dial(client, nowMs, error);
    later(nowMs + waitMs, trying, client);
  }

  /** The budget, breaker and limit that the client's process shares. @param {number} client */
  function shared(client) {
    return processes[Math.floor(client / perProcess)];
  }
}

/** @param {Uint32Array} counts @param {number} index */
function increment(counts, index) {
  const count = Number(counts[index]) + 1;
  counts[index] = count;
  return count;
}
