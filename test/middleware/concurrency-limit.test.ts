import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import {
  type ConcurrencyLimitOptions,
  compose,
  type Dialer,
  type LimitWaitInfo,
  type Middleware,
  withConcurrencyLimit,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { connection, type Deferred, deferred, turns } from "../support/contract.ts";

const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

/** A base dialer whose dials the test ends by host name; an abort ends a dial too. */
function heldDialer() {
  const started: string[] = [];
  const held = new Map<string, Deferred<Duplex>>();
  let atOnce = 0;
  let mostAtOnce = 0;
  const dial: Dialer<Duplex> = async (target, options) => {
    const name = String(target).split(":")[0] ?? "";
    const answer = deferred<Duplex>();
    started.push(name);
    held.set(name, answer);
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    const abort = () => answer.reject(options?.signal?.reason);
    options?.signal?.addEventListener("abort", abort);
    try {
      return await answer.promise;
    } finally {
      options?.signal?.removeEventListener("abort", abort);
      held.delete(name);
      atOnce -= 1;
    }
  };
  return {
    dial,
    started,
    held,
    most: () => mostAtOnce,
    end: (name: string) => held.get(name)?.resolve(connection()),
  };
}

test("withConcurrencyLimit runs at most maxConcurrent dials, in FIFO order", async () => {
  const clock = fakeClock();
  const base = heldDialer();
  const dial = compose(withConcurrencyLimit({ maxConcurrent: 2 }), base.dial);
  const all = Promise.allSettled(["a", "b", "c", "d"].map((name) => dial(`${name}:1`, { clock })));
  await turns();
  assert.deepEqual(base.started, ["a", "b"]);
  base.end("b");
  await turns();
  assert.deepEqual(base.started, ["a", "b", "c"]);
  base.held.get("a")?.reject(refused);
  base.end("c");
  await turns();
  base.end("d");
  assert.deepEqual(
    (await all).map(({ status }) => status),
    ["rejected", "fulfilled", "fulfilled", "fulfilled"],
  );
  assert.deepEqual(base.started, ["a", "b", "c", "d"]);
  assert.equal(base.most(), 2);
});

test("withConcurrencyLimit counts dials, not open connections", async () => {
  const base = scriptedDialer();
  const dial = compose(withConcurrencyLimit({ maxConcurrent: 1 }), base);
  for (let each = 0; each < 5; each += 1) await dial("h:1");
  assert.equal(base.connections.length, 5);
});

test("withConcurrencyLimit is shared by all dialers composed with one layer", async () => {
  const clock = fakeClock();
  const limit = withConcurrencyLimit({ maxConcurrent: 1 });
  const base = heldDialer();
  const dials = [compose(limit, base.dial)("a:1", { clock }), compose(limit, base.dial)("b:1", { clock })];
  await turns();
  assert.deepEqual(base.started, ["a"]);
  base.end("a");
  await turns();
  base.end("b");
  await Promise.all(dials);
});

test("withConcurrencyLimit releases the slot after each attempt below withRetry, and keeps it above", async () => {
  const clock = fakeClock();
  const retry = withRetry({ maxAttempts: 2, backoff: () => 100 });
  const order = async (...layers: [typeof retry, typeof retry]) => {
    const seen: string[] = [];
    const base: Dialer<Duplex> = async (target) => {
      seen.push(String(target));
      throw refused;
    };
    const dial = compose(...layers, base);
    const both = Promise.allSettled([dial("a:1", { clock }), dial("b:1", { clock })]);
    await clock.advance(1000);
    await both;
    return seen.join(" ");
  };
  const limit = () => withConcurrencyLimit({ maxConcurrent: 1 });
  assert.equal(await order(retry, limit()), "a:1 b:1 a:1 b:1");
  assert.equal(await order(limit(), retry), "a:1 a:1 b:1 b:1");
});

describe("limitWait", () => {
  async function told(
    options: ConcurrencyLimitOptions,
    end: (base: ReturnType<typeof heldDialer>, controller: AbortController) => void,
    above = withTimeout({ timeoutMs: 1000 }),
  ) {
    const clock = fakeClock();
    const base = heldDialer();
    const controller = new AbortController();
    const waits: LimitWaitInfo[] = [];
    const limit = withConcurrencyLimit(options);
    const first = compose(limit, base.dial)("a:1", { clock });
    const dial = compose(withTrace({ limitWait: (info) => waits.push(info) }), above, limit, base.dial);
    const second = dial("b:1", { clock, signal: controller.signal }).catch((error) => error);
    await clock.advance(20);
    end(base, controller);
    await clock.advance(1000);
    base.end("a");
    base.end("b");
    const error = await second;
    await first;
    assert.equal(clock.pending, 0);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    const [wait] = waits;
    assert.equal(waits.length, 1);
    assert.equal(String(wait?.target), "b:1");
    assert.equal(wait?.limit, "concurrency");
    return { ...wait, thrown: error, started: base.started };
  }

  test("limitWait reports a success when the dial receives a slot", async () => {
    const { outcome, durationMs, error } = await told({ maxConcurrent: 1 }, (base) => base.end("a"));
    assert.deepEqual({ outcome, durationMs, error }, { outcome: "success", durationMs: 20, error: undefined });
  });

  test("limitWait reports canceled after the caller's abort", async () => {
    const { outcome, durationMs, error, reason, thrown, started } = await told(
      { maxConcurrent: 1 },
      (base, controller) => {
        controller.abort("enough");
        base.end("a");
      },
    );
    assert.deepEqual(
      { outcome, durationMs, error, reason },
      { outcome: "canceled", durationMs: 20, error: "enough", reason: undefined },
    );
    assert.equal(thrown, "enough");
    assert.deepEqual(started, ["a"]);
  });

  test("limitWait reports a failure after a timeout above", async () => {
    const { outcome, durationMs, reason, thrown, error } = await told(
      { maxConcurrent: 1 },
      () => {},
      withTimeout({ timeoutMs: 50 }),
    );
    assert.deepEqual({ outcome, durationMs, reason }, { outcome: "failure", durationMs: 50, reason: "timeout" });
    assert.equal(thrown.name, "DialTimeoutError");
    assert.equal(error, thrown);
  });

  test("limitWait reports a failure after waitTimeoutMs", async () => {
    const { outcome, durationMs, reason, thrown, error } = await told(
      { maxConcurrent: 1, waitTimeoutMs: 30 },
      () => {},
    );
    assert.deepEqual({ outcome, durationMs, reason }, { outcome: "failure", durationMs: 30, reason: "pool_exhausted" });
    assert.equal(thrown.message, "dial b:1: concurrency limit: timed out after 30 ms (1 in progress)");
    assert.deepEqual([thrown.name, thrown.target], ["DialError", "b:1"]);
    assert.equal(error, thrown);
  });

  test("limitWait reports a failure immediately when the queue is full", async () => {
    const { outcome, durationMs, reason, thrown } = await told({ maxConcurrent: 1, maxWaiting: 0 }, () => {});
    assert.deepEqual({ outcome, durationMs, reason }, { outcome: "failure", durationMs: 0, reason: "pool_exhausted" });
    assert.equal(thrown.message, "dial b:1: concurrency limit: queue full (1 in progress, 0 waiting)");
  });
});

test("a dial whose clock throws at the start of its wait at withConcurrencyLimit leaves the slot to the next dial", async () => {
  const base = heldDialer();
  const dial = compose(withConcurrencyLimit({ maxConcurrent: 1, waitTimeoutMs: 1000 }), base.dial);
  const clock = fakeClock();
  const broken = {
    ...clock,
    setTimeout() {
      throw new Error("no timers");
    },
  };
  const first = dial("a:1", { clock });
  await turns();
  await assert.rejects(dial("b:1", { clock: broken }), /^Error: no timers$/);
  const third = dial("c:1", { clock });
  await turns();
  base.end("a");
  await first;
  await turns();
  assert.deepEqual(base.started, ["a", "c"]);
  base.end("c");
  await third;
  assert.equal(clock.pending, 0);
});

test("limitWait is not called for a dial that does not wait", async () => {
  const trace = { limitWait: () => assert.fail("there was no wait") };
  const dial = compose(withConcurrencyLimit({ maxConcurrent: 1 }), scriptedDialer());
  for (let each = 0; each < 3; each += 1) (await dial("h:1", { trace })).destroy();
});

test("a dial that finds the queue full is not retried by default", async () => {
  const clock = fakeClock();
  const limit = withConcurrencyLimit({ maxConcurrent: 1, maxWaiting: 0 });
  const dial = compose(withRetry(), limit, scriptedDialer(["hang"]));
  const controller = new AbortController();
  const first = assert.rejects(dial("a:1", { clock, signal: controller.signal }));
  await turns();
  await assert.rejects(dial("b:1", { clock }), { reason: "pool_exhausted", attemptCount: 0 });
  controller.abort();
  await first;
  assert.equal(clock.pending, 0);
});

test("an abort from limitWait ends the dial before the next layer is called, and the slot passes on", async () => {
  const clock = fakeClock();
  const base = heldDialer();
  const called: unknown[] = [];
  const noting: Middleware = (next) => (target, options) => {
    called.push(String(target));
    return next(target, options);
  };
  const dial = compose(withConcurrencyLimit({ maxConcurrent: 1 }), noting, base.dial);
  const controller = new AbortController();
  const first = dial("a:1", { clock });
  const trace = { limitWait: () => controller.abort("enough") };
  const second = assert.rejects(
    dial("b:1", { clock, signal: controller.signal, trace }),
    (error) => error === "enough",
  );
  const third = dial("c:1", { clock });
  await turns();
  base.end("a");
  await turns();
  base.end("c");
  await Promise.all([first, second, third]);
  assert.deepEqual(called, ["a:1", "c:1"]);
});

test("withConcurrencyLimit admits 10,000 waiting dials in order, except for aborted ones", async () => {
  const clock = fakeClock();
  const base = heldDialer();
  const { signal } = new AbortController();
  const gone = new AbortController();
  const dial = compose(withConcurrencyLimit({ maxConcurrent: 3, waitTimeoutMs: 60_000 }), base.dial);
  const names = Array.from({ length: 10_000 }, (_, index) => `n${index}`);
  const goes = (index: number) => index >= 3 && index % 2 === 1;
  const all = names.map((name, index) =>
    dial(`${name}:1`, { clock, signal: goes(index) ? gone.signal : signal }).catch((error) => error),
  );
  await turns();
  gone.abort("gone");
  await turns();
  while (base.held.size > 0) {
    for (const name of [...base.held.keys()]) base.end(name);
    await turns(1);
  }
  const results = await Promise.all(all);
  assert.deepEqual(
    base.started,
    names.filter((_, index) => !goes(index)),
  );
  assert.equal(results.filter((result) => result === "gone").length, names.length - base.started.length);
  assert.equal(clock.pending, 0);
});

test("withConcurrencyLimit behaves like a simple model in random runs, and leaves nothing behind", async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ act: fc.constant("dial" as const), at: fc.nat(2) }) },
    { weight: 4, arbitrary: fc.record({ act: fc.constantFrom("end" as const, "fail" as const), at: fc.nat(9) }) },
    {
      weight: 2,
      arbitrary: fc.record({ act: fc.constantFrom("abort" as const, "abortBoth" as const), at: fc.nat(99) }),
    },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("wait" as const), at: fc.nat(60) }) },
  );
  let steps = 0;
  const seen = { success: 0, failure: 0, canceled: 0 };

  const play = async (
    maxConcurrent: number,
    maxWaiting: number,
    waitTimeoutMs: number | undefined,
    plan: readonly { act: string; at: number }[],
  ) => {
    const clock = fakeClock();
    const base = heldDialer();
    const waits: string[] = [];
    const dial = compose(
      withTrace({
        limitWait: ({ target, outcome }) => {
          waits.push(`${target.host} ${outcome}`);
          seen[outcome] += 1;
        },
      }),
      withConcurrencyLimit({ maxConcurrent, maxWaiting, waitTimeoutMs }),
      base.dial,
    );
    // The model: the dials in progress, the waiting dials with their start times, and the results.
    const running: string[] = [];
    const waiting: { readonly name: string; readonly since: number }[] = [];
    const started: string[] = [];
    const told: string[] = [];
    const fates = new Map<string, string>();
    const start = (name: string) => {
      running.push(name);
      started.push(name);
    };
    const leave = (name: string, fate: string) => {
      fates.set(name, fate);
      running.splice(running.indexOf(name), 1);
      const next = waiting.shift();
      if (next === undefined) return;
      told.push(`${next.name} success`);
      start(next.name);
    };
    const refuse = (name: string, fate: string, outcome: string) => {
      fates.set(name, fate);
      told.push(`${name} ${outcome}`);
    };
    const abort = (name: string) => {
      if (running.includes(name)) return leave(name, "aborted");
      const index = waiting.findIndex((each) => each.name === name);
      if (index < 0) return;
      waiting.splice(index, 1);
      refuse(name, "aborted", "canceled");
    };

    const results = new Map<string, string>();
    const controllers = new Map<string, AbortController>();
    const settled: Promise<void>[] = [];
    const call = (name: string) => {
      const controller = new AbortController();
      controllers.set(name, controller);
      const dialing = dial(`${name}:1`, { clock, signal: controller.signal }).then(
        () => "connected",
        (error) => (error === "aborted" ? error : error.reason),
      );
      settled.push(
        dialing.then((result) => {
          assert.equal(results.has(name), false);
          results.set(name, result);
        }),
      );
    };

    for (const { act, at } of plan) {
      steps += 1;
      if (act === "dial") {
        for (let each = 0; each <= at; each += 1) {
          const name = `n${controllers.size}`;
          call(name);
          if (running.length < maxConcurrent) start(name);
          else if (waiting.length >= maxWaiting) refuse(name, "pool_exhausted", "failure");
          else waiting.push({ name, since: clock.now() });
        }
      } else if (act === "end" || act === "fail") {
        const name = running[at];
        if (name === undefined) continue;
        if (act === "end") base.end(name);
        else base.held.get(name)?.reject(refused);
        leave(name, act === "end" ? "connected" : "refused");
      } else if (act === "abort") {
        const names = [...running, ...waiting.map(({ name }) => name)];
        const name = names[at % (names.length || 1)];
        if (name === undefined) continue;
        controllers.get(name)?.abort("aborted");
        abort(name);
      } else if (act === "abortBoth") {
        // Aborts the next waiter, and in the same turn ends a dial that would have released a slot to it.
        const [next, first] = [waiting[0]?.name, running[0]];
        for (const name of [next, first]) {
          if (name === undefined) continue;
          controllers.get(name)?.abort("aborted");
          abort(name);
        }
      } else {
        const end = clock.now() + at;
        await clock.advance(at);
        while (waitTimeoutMs !== undefined && waiting[0] !== undefined && waiting[0].since + waitTimeoutMs <= end) {
          refuse(waiting.shift()?.name ?? "", "pool_exhausted", "failure");
        }
      }
      await turns(3);
      assert.equal(base.started.length, started.length);
      assert.equal(waits.length, told.length);
      assert.equal(results.size, fates.size);
      assert.equal(clock.pending, waitTimeoutMs !== undefined && waiting.length > 0 ? 1 : 0);
    }
    while (running[0] !== undefined) {
      base.end(running[0]);
      leave(running[0], "connected");
      await turns(2);
    }
    await Promise.all(settled);
    assert.deepEqual(base.started, started);
    assert.deepEqual([...waits].sort(), [...told].sort());
    assert.deepEqual([...results].sort(), [...fates].sort());
    assert.ok(base.most() <= maxConcurrent);
    assert.equal(clock.pending, 0);
    for (const { signal } of controllers.values()) assert.equal(getEventListeners(signal, "abort").length, 0);
  };

  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(0, 1, 5, Number.POSITIVE_INFINITY),
      fc.constantFrom(undefined, 1, 30, 100),
      fc.array(step, { minLength: 100, maxLength: 120, size: "max" }),
      play,
    ),
    { numRuns: 105, endOnFailure: true },
  );
  assert.ok(steps >= 10_000, `${steps} steps`);
  assert.ok(Math.min(seen.success, seen.failure, seen.canceled) > 100, JSON.stringify(seen));
});

describe("refuses at construction", () => {
  const rows: readonly (readonly [ConcurrencyLimitOptions, string, string | RegExp])[] = [
    ...[0, 1.5, Number.NaN, "3", undefined].map((maxConcurrent): [ConcurrencyLimitOptions, string, RegExp] => [
      { maxConcurrent: maxConcurrent as never },
      "RangeError",
      /^withConcurrencyLimit: maxConcurrent must be a whole number of at least 1, or Infinity, got /,
    ]),
    [{ maxConcurrent: 1, maxWaiting: -1 }, "RangeError", /^withConcurrencyLimit: maxWaiting .* at least 0, .* got -1$/],
    [{ maxConcurrent: 1, waitTimeoutMs: 0 }, "RangeError", /^withConcurrencyLimit: waitTimeoutMs .* got 0$/],
    [{ max: 1 } as never, "TypeError", /^withConcurrencyLimit: unknown option max; the options are maxConcurrent,/],
  ];
  for (const [options, name, message] of rows) {
    test(`withConcurrencyLimit refuses ${inspect(options)} at construction`, () => {
      assert.throws(() => withConcurrencyLimit(options), { name, message });
    });
  }
});
