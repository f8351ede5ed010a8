import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import {
  compose,
  type LimitWaitInfo,
  type Middleware,
  type RateLimitOptions,
  withRateLimit,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { type FakeClock, fakeClock } from "../../src/testing.ts";
import { connection, turns } from "../support/contract.ts";

/** Dials beneath a limit and records when each started. */
function limited(clock: FakeClock, options: RateLimitOptions) {
  const started: string[] = [];
  const waits: LimitWaitInfo[] = [];
  const dial = compose(withTrace({ limitWait: (info) => waits.push(info) }), withRateLimit(options), async (target) => {
    started.push(`${String(target).split(":")[0]} at ${clock.now()}`);
    return connection();
  });
  const dialAll = (names: string) => Promise.allSettled([...names].map((name) => dial(`${name}:1`, { clock })));
  return { dial, dialAll, started, waits };
}

test("withRateLimit starts a burst immediately and the others at the rate, in FIFO order", async () => {
  const clock = fakeClock();
  const { dialAll, started, waits } = limited(clock, { dialsPerSecond: 10, burst: 3 });
  const all = dialAll("abcdef");
  await clock.advance(1000);
  await all;
  assert.deepEqual(started, ["a at 0", "b at 0", "c at 0", "d at 100", "e at 200", "f at 300"]);
  assert.deepEqual(
    waits.map(({ target, limit, outcome, durationMs }) => `${target} ${limit} ${outcome} ${durationMs}`),
    ["d:1 rate success 100", "e:1 rate success 200", "f:1 rate success 300"],
  );
  assert.equal(clock.pending, 0);
});

test("withRateLimit allows one burst after an idle period", async () => {
  const clock = fakeClock();
  const { dialAll, started } = limited(clock, { dialsPerSecond: 10, burst: 2 });
  await dialAll("ab");
  await clock.advance(60_000);
  const all = dialAll("cde");
  await clock.advance(1000);
  await all;
  assert.deepEqual(started.slice(2), ["c at 60000", "d at 60000", "e at 60100"]);
});

test("withRateLimit allows a burst of dialsPerSecond by default", async () => {
  for (const [dialsPerSecond, expected] of [
    [4, 4],
    [2.5, 3],
    [0.1, 1],
  ] as const) {
    const clock = fakeClock();
    const { dialAll, started } = limited(clock, { dialsPerSecond });
    const all = dialAll("abcdef");
    await turns();
    assert.equal(started.length, expected);
    await clock.advance(60_000);
    await all;
    assert.equal(clock.pending, 0);
  }
});

test("withRateLimit keeps the average rate when the interval is not a whole number of milliseconds", async () => {
  const clock = fakeClock();
  const { dialAll, started } = limited(clock, { dialsPerSecond: 3, burst: 2 });
  const all = dialAll("abcdefg");
  await clock.advance(10_000);
  await all;
  assert.deepEqual(
    started.map((each) => each.split(" at ")[1]),
    ["0", "0", "334", "667", "1000", "1334", "1667"],
  );
});

test("withRateLimit is shared by all dialers composed with one layer", async () => {
  const clock = fakeClock();
  const limit = withRateLimit({ dialsPerSecond: 1 });
  const seen: number[] = [];
  const base = async () => {
    seen.push(clock.now());
    return connection();
  };
  const all = [compose(limit, base), compose(limit, base)].map((dial) => dial("h:1", { clock }));
  await clock.advance(1000);
  await Promise.all(all);
  assert.deepEqual(seen, [0, 1000]);
});

test("withRateLimit below withRetry limits the rate of attempts", async () => {
  const clock = fakeClock();
  const seen: number[] = [];
  const dial = compose(
    withRetry({ maxAttempts: 3, backoff: () => 1 }),
    withRateLimit({ dialsPerSecond: 1 }),
    async () => {
      seen.push(clock.now());
      throw new Error("no");
    },
  );
  const rejected = assert.rejects(dial("h:1", { clock }));
  await clock.advance(10_000);
  await rejected;
  assert.deepEqual(seen, [0, 1000, 2000]);
});

test("an abort during a wait at withRateLimit uses no token, and leaves no timer after the last waiter", async () => {
  const clock = fakeClock();
  const { dial, dialAll, started, waits } = limited(clock, { dialsPerSecond: 10, burst: 1 });
  const controller = new AbortController();
  await dialAll("a");
  const aborted = assert.rejects(dial("b:1", { clock, signal: controller.signal }), (error) => error === "enough");
  const next = dial("c:1", { clock });
  await clock.advance(40);
  controller.abort("enough");
  await aborted;
  await clock.advance(60);
  await next;
  assert.deepEqual(started, ["a at 0", "c at 100"]);
  assert.deepEqual([waits[0]?.outcome, waits[0]?.durationMs, waits[0]?.error], ["canceled", 40, "enough"]);

  const last = new AbortController();
  const alone = assert.rejects(dial("d:1", { clock, signal: last.signal }));
  await turns();
  assert.equal(clock.pending, 1);
  last.abort();
  await alone;
  assert.equal(clock.pending, 0);
  assert.equal(getEventListeners(last.signal, "abort").length, 0);
});

test("a dial whose clock throws at withRateLimit rejects once, and takes no other dial's turn", async () => {
  const clock = fakeClock();
  const { dial, dialAll, started } = limited(clock, { dialsPerSecond: 10, burst: 1 });
  const controller = new AbortController();
  const broken = {
    ...clock,
    setTimeout() {
      throw new Error("no timers");
    },
  };
  await dialAll("a");
  await assert.rejects(dial("b:1", { clock: broken, signal: controller.signal }), /^Error: no timers$/);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  controller.abort("too late to matter");
  const next = dial("c:1", { clock });
  await clock.advance(100);
  await next;
  assert.deepEqual(started, ["a at 0", "c at 100"]);
  assert.equal(clock.pending, 0);
});

test("a timeout above withRateLimit ends the wait, and limitWait reports a failure", async () => {
  const clock = fakeClock();
  const waits: LimitWaitInfo[] = [];
  const dial = compose(
    withTrace({ limitWait: (info) => waits.push(info) }),
    withTimeout({ timeoutMs: 50 }),
    withRateLimit({ dialsPerSecond: 1 }),
    async () => connection(),
  );
  await dial("a:1", { clock });
  const rejected = assert.rejects(dial("b:1", { clock }), { name: "DialTimeoutError" });
  await clock.advance(50);
  await rejected;
  assert.deepEqual(
    [waits.length, waits[0]?.outcome, waits[0]?.reason, waits[0]?.durationMs],
    [1, "failure", "timeout", 50],
  );
  assert.equal(clock.pending, 0);
});

test("an abort from limitWait ends the dial before withRateLimit calls the next layer", async () => {
  const clock = fakeClock();
  const called: unknown[] = [];
  const noting: Middleware = (next) => (target, options) => {
    called.push(String(target));
    return next(target, options);
  };
  const dial = compose(withRateLimit({ dialsPerSecond: 10, burst: 1 }), noting, async () => connection());
  await dial("a:1", { clock });
  const controller = new AbortController();
  const trace = { limitWait: () => controller.abort("enough") };
  const aborted = assert.rejects(
    dial("b:1", { clock, signal: controller.signal, trace }),
    (error) => error === "enough",
  );
  await clock.advance(1000);
  await aborted;
  assert.deepEqual(called, ["a:1"]);
});

test("a new dial does not overtake a waiting one when the timer of withRateLimit is late", async () => {
  const clock = fakeClock();
  const tardy = { ...clock, setTimeout: (call: () => void, ms: number) => clock.setTimeout(call, ms + 50) };
  const { dial, started } = limited(clock, { dialsPerSecond: 10, burst: 1 });
  const first = ["a", "b"].map((name) => dial(`${name}:1`, { clock: tardy }));
  await clock.advance(120);
  const last = dial("c:1", { clock: tardy });
  await clock.advance(1000);
  await Promise.all([...first, last]);
  assert.deepEqual(started.slice(0, 2), ["a at 0", "b at 120"]);
  assert.match(started[2] ?? "", /^c at /);
});

test("a timer that fires early does not start a dial of withRateLimit early", async () => {
  const clock = fakeClock();
  const hasty = { ...clock, setTimeout: (call: () => void, ms: number) => clock.setTimeout(call, Math.max(1, ms - 1)) };
  const { dial, started } = limited(clock, { dialsPerSecond: 10, burst: 1 });
  const all = ["a", "b", "c"].map((name) => dial(`${name}:1`, { clock: hasty }));
  await clock.advance(1000);
  await Promise.all(all);
  assert.deepEqual(started, ["a at 0", "b at 100", "c at 200"]);
});

test("withRateLimit starts with a full bucket when the clock changes", async () => {
  const limit = withRateLimit({ dialsPerSecond: 1 });
  const dial = compose(limit, async () => connection());
  const [one, other] = [fakeClock(), fakeClock()];
  await one.advance(60_000);
  await dial("h:1", { clock: one });
  await dial("h:1", { clock: other });
  assert.equal(other.pending, 0);
});

test("withRateLimit behaves like a simple model in random runs, and leaves nothing behind", async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ act: fc.constant("dial" as const), at: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant("abort" as const), at: fc.nat(9) }) },
    { weight: 4, arbitrary: fc.record({ act: fc.constant("wait" as const), at: fc.nat(80) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("wait" as const), at: fc.nat(1500) }) },
  );
  const seen = { steps: 0, waited: 0, aborted: 0 };

  const play = async (intervalMs: number, burst: number, plan: readonly { act: string; at: number }[]) => {
    const clock = fakeClock();
    const { dial, started, waits } = limited(clock, { dialsPerSecond: 1000 / intervalMs, burst });
    const expected: string[] = [];
    const times: number[] = [];
    let waiting: string[] = [];
    const controllers = new Map<string, AbortController>();
    const results: Promise<string>[] = [];
    const expectedResults: Record<string, string> = {};
    /** Whether one more dial keeps the limit: in every period t up to now at most burst + t / interval dials. */
    const mayStart = (now: number) =>
      times.every((since, index) => times.length - index + 1 <= burst + (now - since) / intervalMs);
    const admit = (now: number) => {
      while (waiting.length > 0 && mayStart(now)) {
        const name = waiting.shift() ?? "";
        expected.push(`${name} at ${now}`);
        times.push(now);
        expectedResults[name] = "connected";
      }
    };

    for (const { act, at } of plan) {
      seen.steps += 1;
      if (act === "dial") {
        for (let each = 0; each <= at; each += 1) {
          const name = `n${controllers.size}`;
          const controller = new AbortController();
          controllers.set(name, controller);
          const dialing = dial(`${name}:1`, { clock, signal: controller.signal });
          results.push(
            dialing.then(
              () => `${name} connected`,
              (error) => `${name} ${error}`,
            ),
          );
          waiting.push(name);
        }
        admit(clock.now());
      } else if (act === "abort") {
        const name = waiting[at % (waiting.length || 1)];
        if (name === undefined) continue;
        controllers.get(name)?.abort("aborted");
        expectedResults[name] = "aborted";
        waiting = waiting.filter((each) => each !== name);
        seen.aborted += 1;
      } else {
        const from = clock.now();
        await clock.advance(at);
        for (let now = from + 1; now <= from + at && waiting.length > 0; now += 1) admit(now);
      }
      await turns(2);
      assert.deepEqual(started, expected);
      assert.equal(clock.pending, waiting.length > 0 ? 1 : 0);
    }
    const from = clock.now();
    const left = waiting.length * intervalMs;
    await clock.advance(left);
    for (let now = from + 1; now <= from + left; now += 1) admit(now);
    assert.deepEqual(started, expected);
    assert.deepEqual(
      (await Promise.all(results)).sort(),
      Object.entries(expectedResults)
        .map(([name, result]) => `${name} ${result}`)
        .sort(),
    );
    assert.equal(clock.pending, 0);
    seen.waited += waits.length;
    for (const { signal } of controllers.values()) assert.equal(getEventListeners(signal, "abort").length, 0);
  };

  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 10, 50, 100),
      fc.integer({ min: 1, max: 6 }),
      fc.array(step, { minLength: 100, maxLength: 120, size: "max" }),
      play,
    ),
    { numRuns: 105, endOnFailure: true },
  );
  assert.ok(seen.steps >= 10_000 && seen.waited > 1000 && seen.aborted > 100, JSON.stringify(seen));
});

describe("refuses at construction", () => {
  const rows: readonly (readonly [RateLimitOptions, string, string])[] = [
    ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-7, undefined].map(
      (dialsPerSecond): [RateLimitOptions, string, string] => [
        { dialsPerSecond: dialsPerSecond as never },
        "RangeError",
        `withRateLimit: dialsPerSecond must be a number from 0.000001 to 1000000, got ${dialsPerSecond}`,
      ],
    ),
    [
      { dialsPerSecond: 1, burst: 0 },
      "RangeError",
      "withRateLimit: burst must be a whole number of at least 1, or Infinity, got 0",
    ],
    [{ rate: 1 } as never, "TypeError", "withRateLimit: unknown option rate; the options are dialsPerSecond, burst"],
  ];
  for (const [options, name, message] of rows) {
    test(`withRateLimit refuses ${inspect(options)} at construction`, () =>
      assert.throws(() => withRateLimit(options), { name, message }));
  }
});
