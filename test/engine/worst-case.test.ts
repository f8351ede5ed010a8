import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { withBreaker } from "../../src/breaker.ts";
import {
  compose,
  type DialError,
  type Dialer,
  describe,
  type Jitter,
  type Middleware,
  withConcurrencyLimit,
  withDiagnosticsChannel,
  withFailover,
  withLog,
  withRateLimit,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { fakeClock, withFaults } from "../../src/testing.ts";
import { connection } from "../support/contract.ts";

/** The end of one attempt: it fails after this many milliseconds, or never. */
type Plan = (attempt: number, startedAt: number) => number;

interface Retry {
  readonly kind: "retry";
  readonly maxAttempts: number;
  readonly backoff: "exponential" | "constant";
  readonly initialBackoffMs: number;
  readonly backoffMultiplier: number;
  readonly maxBackoffMs: number;
  readonly jitter: Jitter;
  readonly backoffBeforeFirst: boolean;
}
type Timeout = { readonly kind: "timeout"; readonly ms: number };
type Piece = Retry | Timeout | { readonly kind: keyof typeof passing };

const never = Number.POSITIVE_INFINITY;
let names = 0;
/** Layers that add neither attempts nor time. */
const passing = {
  trace: () => withTrace({}),
  log: () => withLog({ info() {}, warn() {} }),
  channel: () => withDiagnosticsChannel({ name: String(names++) }),
  breaker: () => withBreaker({ breaker: { consecutive: 1e6 } }),
  failover: () => withFailover({ targets: ["a:1", "b:2", "c:3"], ejectAfter: never }),
  limit: () => withConcurrencyLimit({ maxConcurrent: 1, maxWaiting: 0 }),
  custom: (): Middleware => (next) => (target, options) => next(target, { ...options }),
} as const;
const waiting = {
  rate: () => withRateLimit({ dialsPerSecond: 50, burst: 1 }),
  faults: () => withFaults({ latencyMs: [0, 40], refuse: 0.3, blackHole: 0.2 }),
} as const;

const timeout: fc.Arbitrary<Timeout> = fc.record({
  kind: fc.constant("timeout" as const),
  ms: fc.integer({ min: 1, max: 400 }),
});
const retry: fc.Arbitrary<Retry> = fc.record({
  kind: fc.constant("retry" as const),
  maxAttempts: fc.integer({ min: 1, max: 5 }),
  backoff: fc.constantFrom("exponential" as const, "constant" as const),
  initialBackoffMs: fc.integer({ min: 0, max: 60 }),
  backoffMultiplier: fc.integer({ min: 1, max: 3 }),
  maxBackoffMs: fc.integer({ min: 60, max: 200 }),
  jitter: fc.constantFrom("none" as const, "none" as const, "full" as const, "equal" as const, "decorrelated" as const),
  backoffBeforeFirst: fc.boolean(),
});
const pass = fc.constantFrom(...(Object.keys(passing) as (keyof typeof passing)[])).map((kind) => ({ kind }));

/** Makes the layers. `drawn` is what every random number of theirs is. */
function layersOf(pieces: readonly Piece[], drawn: () => number): Middleware[] {
  return pieces.map((piece) => {
    if (piece.kind === "timeout") return withTimeout({ timeoutMs: piece.ms });
    if (piece.kind !== "retry") return passing[piece.kind]();
    const { kind: _kind, ...options } = piece;
    return withRetry({ ...options, random: drawn, shouldRetry: () => true });
  });
}

/** Dials once by a fake clock. Resolves with the time of the end, `Infinity` if there is none, and the calls of the base. */
async function dialed(layers: readonly Middleware[], plan: Plan): Promise<{ endedAt: number; attempts: number }> {
  const clock = fakeClock();
  let attempts = 0;
  const base: Dialer<Duplex> = async () => {
    attempts += 1;
    const ms = plan(attempts, clock.now());
    if (ms === 0) throw new Error("down");
    return new Promise((_resolve, reject) => {
      if (ms !== never) clock.setTimeout(() => reject(new Error("down")), ms);
    });
  };
  const caller = new AbortController();
  let endedAt = never;
  const ended = compose(...layers, base)("h:1", { clock, signal: caller.signal }).catch(() => {
    if (!caller.signal.aborted) endedAt = clock.now();
  });
  await clock.advance(100_000);
  caller.abort();
  await ended;
  return { endedAt, attempts };
}

const costOf = (layers: readonly Middleware[]) =>
  describe(compose(...layers, async () => connection()) as Dialer<Duplex>).worstCase;

/** The backoff after failure number `failure` without jitter, by plain arithmetic. */
function backoffOf({ backoff, initialBackoffMs, backoffMultiplier, maxBackoffMs }: Retry, failure: number): number {
  const growth = backoff === "constant" ? 1 : backoffMultiplier ** (Math.max(1, failure) - 1);
  return Math.min(initialBackoffMs * growth, maxBackoffMs);
}

/**
 * The peer that wastes the most time: each attempt but the last possible one hangs as long as the last can still start,
 * 1 ms before the deadline.
 */
function wasteful(own: Retry, deadlineMs: number): Plan {
  const delays = Array.from({ length: own.maxAttempts }, (_, failure) => backoffOf(own, failure));
  const first = own.backoffBeforeFirst ? backoffOf(own, 0) : 0;
  let last = 1;
  let startsAt = first;
  while (last < own.maxAttempts && startsAt + (delays[last] ?? 0) < deadlineMs) {
    startsAt += delays[last] ?? 0;
    last += 1;
  }
  return (attempt, startedAt) => {
    if (attempt >= last || deadlineMs === never) return never;
    const rest = delays.slice(attempt, last).reduce((sum, ms) => sum + ms, 0);
    return Math.max(0, deadlineMs - 1 - rest - startedAt);
  };
}

/** Shuffles pieces. A breaker beneath a failover adds targets to a dial; that has a test of its own. */
function shuffled(pieces: readonly Piece[]): fc.Arbitrary<Piece[]> {
  const quiet = pieces.some(({ kind }) => kind === "failover")
    ? pieces.filter(({ kind }) => kind !== "breaker")
    : [...pieces];
  return fc.shuffledSubarray(quiet, { minLength: quiet.length });
}

/** At most one retry, any timeouts, any layers that pass dials on. */
const oneRetry = fc
  .tuple(fc.array(retry, { maxLength: 1 }), fc.array(timeout, { maxLength: 3 }), fc.array(pass, { maxLength: 4 }))
  .chain(([retries, timeouts, passes]) => shuffled([...retries, ...timeouts, ...passes]));

test("describe returns the time and the attempts that the worst peer causes, over random stacks", async () => {
  let finite = 0;
  await fc.assert(
    fc.asyncProperty(oneRetry, async (pieces) => {
      const at = pieces.findIndex(({ kind }) => kind === "retry");
      const own = pieces[at] as Retry | undefined;
      const above = pieces.slice(0, Math.max(0, at)).filter((each) => each.kind === "timeout");
      const deadlineMs = Math.min(never, ...above.map(({ ms }) => ms));
      const { timeMs, attempts } = costOf(layersOf(pieces, () => 0));

      const hurried = await dialed(
        layersOf(pieces, () => 0),
        () => 0,
      );
      assert.equal(hurried.attempts, attempts);
      const slow = await dialed(
        layersOf(pieces, () => 1),
        own === undefined ? () => never : wasteful(own, deadlineMs),
      );
      // With jitter the adversary would have to choose the random numbers as well, to reach the very deadline.
      if (timeMs === deadlineMs && own !== undefined && own.jitter !== "none") assert.ok(slow.endedAt <= timeMs);
      else assert.equal(slow.endedAt, timeMs);
      if (timeMs !== never) finite += 1;
    }),
    { numRuns: 400 },
  );
  assert.ok(finite > 100);
});

test("describe multiplies the attempts and adds up the time of retries inside retries, over random stacks", async () => {
  const stacks = fc
    .tuple(fc.array(retry, { minLength: 1, maxLength: 3 }), fc.array(pass, { maxLength: 3 }))
    .chain(([retries, passes]) =>
      shuffled([...retries.map((each) => ({ ...each, maxAttempts: Math.min(3, each.maxAttempts) })), ...passes]),
    );
  await fc.assert(
    fc.asyncProperty(stacks, timeout, async (pieces, bound) => {
      const all = [...pieces, bound];
      const { timeMs, attempts } = costOf(layersOf(all, () => 1));
      const slow = await dialed(
        layersOf(all, () => 1),
        () => never,
      );
      assert.deepEqual([slow.endedAt, slow.attempts], [timeMs, attempts]);
    }),
    { numRuns: 150 },
  );
});

test("no dial exceeds the worst case that describe returns, over random stacks, peers and random numbers", async () => {
  const wait = fc.constantFrom(...(Object.keys(waiting) as (keyof typeof waiting)[]));
  const stacks = fc
    .tuple(fc.array(retry, { maxLength: 3 }), fc.array(timeout, { maxLength: 4 }), fc.array(pass, { maxLength: 2 }))
    .chain(([retries, timeouts, passes]) => shuffled([...retries, ...timeouts, ...passes]));
  const ends = fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constant(never)), {
    minLength: 1,
    maxLength: 12,
  });
  const draws = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(stacks, ends, draws, fc.option(wait), fc.nat(6), async (pieces, plan, random, extra, place) => {
      let drawn = 0;
      const layers = () => {
        const made = layersOf(pieces, () => random[drawn++ % random.length] ?? 0);
        if (extra !== null) made.splice(place, 0, waiting[extra]());
        return made;
      };
      const { timeMs, attempts } = costOf(layers());
      const seen = await dialed(layers(), (attempt) => plan[(attempt - 1) % plan.length] ?? 0);
      // The times of computed backoffs are not whole numbers.
      assert.ok(seen.endedAt <= timeMs + 1e-6, `${seen.endedAt} ms, at most ${timeMs} ms were described`);
      assert.ok(seen.attempts <= attempts, `${seen.attempts} attempts, at most ${attempts} were described`);
    }),
    { numRuns: 400 },
  );
});

test("describe counts the retries at each target whose breaker opens between the retries, beneath withFailover", async () => {
  const layers = () => [
    withFailover({ targets: ["a:1", "b:2", "c:3"], ejectAfter: never }),
    withRetry({ maxAttempts: 3, backoff: "constant", initialBackoffMs: 10, jitter: "none" }),
    withBreaker({ breaker: { consecutive: 2 }, countsAsFailure: (error) => (error as DialError).target !== "c:3" }),
    withTimeout({ timeoutMs: 100 }),
  ];
  const seen = await dialed(layers(), () => never);
  assert.deepEqual(costOf(layers()), { timeMs: seen.endedAt, attempts: seen.attempts });
  assert.deepEqual(seen, { endedAt: 2 * (100 + 10 + 100 + 10) + 320, attempts: 2 * 2 + 3 });
});

test("describe adds the longest wait for a slot of withConcurrencyLimit to the time of a dial", async () => {
  const clock = fakeClock();
  const dial = compose(
    withConcurrencyLimit({ maxConcurrent: 1, waitTimeoutMs: 500 }),
    withTimeout({ timeoutMs: 499 }),
    (() => new Promise(() => {})) as Dialer<Duplex>,
  );
  const ends: number[] = [];
  const dialing = [1, 2].map(() => dial("h:1", { clock }).catch(() => ends.push(clock.now())));
  await clock.advance(2000);
  await Promise.all(dialing);
  assert.deepEqual(ends, [499, 998]);
  assert.equal(describe(dial).worstCase.timeMs, 500 + 499);
});

test("describe returns no time limit where a queue, a discovery or a user's backoff may take any time", () => {
  const bound = withTimeout({ timeoutMs: 100 });
  for (const layer of [
    withRateLimit({ dialsPerSecond: 1 }),
    withConcurrencyLimit({ maxConcurrent: 1 }),
    withRetry({ backoff: () => 1 }),
    withFailover({ discover: async function* () {} }),
  ]) {
    assert.equal(costOf([layer, bound]).timeMs, never);
    assert.equal(costOf([withTimeout({ timeoutMs: 50 }), layer, bound]).timeMs, 50);
  }
  const endless = withRetry({ maxAttempts: never, backoff: "constant", initialBackoffMs: 10, jitter: "none" });
  assert.deepEqual(costOf([endless, bound]), { timeMs: never, attempts: never });
  assert.deepEqual(costOf([withTimeout({ timeoutMs: 100_000 }), endless, bound]), {
    timeMs: 100_000,
    attempts: 10_000,
  });
  assert.equal(costOf([withTimeout({ timeoutMs: 100 }), withRetry({ maxAttempts: never })]).attempts, never);
});
