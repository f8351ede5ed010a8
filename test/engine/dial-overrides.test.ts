import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { Registry } from "prom-client";
import {
  type CallOptions,
  classify,
  compose,
  type Dialer,
  DialTimeoutError,
  type Middleware,
  type TimeoutInfo,
  withLog,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { fakeClock, type Step, scriptedDialer } from "../../src/testing.ts";

const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

/** A user's decorator that passes on a copy of the options. */
const copies: Middleware = (next) => (target, options) => next(target, { ...options });
/** A user's decorator that passes on only the options that it knows. */
const drops: Middleware = (next) => (target, options) =>
  next(target, { signal: options?.signal, clock: options?.clock });

/** Returns the result of a dial and its time. */
async function dialed(
  layers: readonly Middleware[],
  steps: readonly Step[],
  asked: CallOptions,
  make = (base: Dialer<Duplex>) => compose(...layers, base),
) {
  const clock = fakeClock();
  const base = scriptedDialer(steps);
  const timeouts: TimeoutInfo[] = [];
  let endedAt = Number.NaN;
  const end = (error: unknown) => {
    endedAt = clock.now();
    return error as DialTimeoutError | undefined;
  };
  const dialing = make(base)("h:1", { clock, trace: { timeout: (info) => timeouts.push(info) }, ...asked }).then(
    (conn) => end(conn.destroy() && undefined),
    (error) => end(error),
  );
  await clock.advance(60_000);
  const error = await dialing;
  assert.equal(clock.pending, 0);
  const told = timeouts.map(({ scope, timeoutMs }) => `${scope} ${timeoutMs}`);
  return { error, endedAt, calls: base.calls.length, told };
}

const retry = withRetry({ maxAttempts: 3, backoff: () => 10 });

describe("per-call options", () => {
  for (const [what, asked, calls, endedAt] of [
    ["no options", {}, 3, 20],
    ["maxAttempts", { maxAttempts: 5 }, 5, 40],
    ["maxAttempts below the default", { maxAttempts: 1 }, 1, 0],
    ["backoff", { backoff: (attempt) => attempt * 7 }, 3, 21],
    ["backoff with backoffBeforeFirst", { backoff: (attempt) => attempt + 7, backoffBeforeFirst: true }, 3, 24],
    ["shouldRetry", { shouldRetry: (_error, attempt) => attempt < 2 }, 2, 10],
    ["maxAttempts and backoff", { maxAttempts: 2, backoff: () => 0 }, 2, 0],
    ["timeoutMs shorter than the next backoff", { timeoutMs: 15 }, 2, 10],
  ] as const satisfies readonly (readonly [string, CallOptions, number, number])[]) {
    test(`per-call options override the defaults of withRetry: ${what}`, async () => {
      for (const layers of [
        [retry],
        [copies, retry],
        [withTrace({}), copies, withTimeout({ timeoutMs: 5000 }), copies, retry],
      ]) {
        const seen = await dialed(layers, [refused], asked);
        assert.deepEqual([seen.calls, seen.endedAt], [calls, endedAt]);
        assert.equal(seen.error?.reason, "refused");
      }
    });
  }

  test("per-call options affect only their own dial", async () => {
    const clock = fakeClock();
    const base = scriptedDialer([refused]);
    const dial = compose(retry, base);
    const ended = Promise.allSettled([dial("h:1", { clock, maxAttempts: 1 }), dial("h:1", { clock })]);
    await clock.advance(1000);
    await ended;
    assert.equal(base.calls.length, 1 + 3);
  });

  test("per-call options that are undefined or an empty list override nothing", async () => {
    const asked = {
      timeoutMs: undefined,
      maxAttempts: undefined,
      backoff: undefined,
      shouldRetry: undefined,
      skip: [],
    };
    assert.equal((await dialed([retry], [refused], asked)).calls, 3);
  });

  test("per-call retry options apply to the outermost withRetry", async () => {
    const inner = withRetry({ maxAttempts: 2, backoff: () => 1 });
    const seen = await dialed([retry, copies, inner], [refused], { maxAttempts: 4, backoff: () => 100 });
    assert.deepEqual([seen.calls, seen.endedAt], [4 * 2, 3 * 100 + 4]);
  });

  test("a backoff function that throws stops the dial, which rejects with the thrown error", async () => {
    const stop = new Error("no more attempts");
    const backoff = () => {
      throw stop;
    };
    const seen = await dialed([retry], [refused], { backoff });
    assert.equal(seen.error, stop);
    assert.equal(seen.calls, 1);
  });
});

describe("per-call timeoutMs", () => {
  for (const [what, layers] of [
    ["replacing the timeout of the outermost withTimeout", [withTimeout({ timeoutMs: 1000 }), retry]],
    ["without withTimeout", [retry]],
    ["with a timeout per attempt", [retry, withTimeout({ timeoutMs: 40_000 })]],
    ["with only a base dialer", []],
  ] as const) {
    for (const timeoutMs of [50, 5000]) {
      test(`timeoutMs ${timeoutMs} bounds the whole dial, ${what}`, async () => {
        const { error, endedAt, told } = await dialed(layers, ["hang"], { timeoutMs });
        assert.ok(error instanceof DialTimeoutError);
        assert.deepEqual(
          [error.scope, error.timeoutMs, error.reason, error.code],
          ["dial", timeoutMs, "timeout", "ETIMEDOUT"],
        );
        assert.equal(error.message, `dial h:1 timed out after ${timeoutMs} ms`);
        assert.equal(endedAt, timeoutMs);
        assert.deepEqual(told, [`dial ${timeoutMs}`]);
      });
    }
  }

  test("per-call timeoutMs keeps the timeouts of attempts and of inner layers", async () => {
    const attempts = await dialed([retry, withTimeout({ timeoutMs: 30 })], ["hang"], { timeoutMs: 100 });
    assert.deepEqual(attempts.told, ["attempt 30", "attempt 30", "dial 100"].slice(0, attempts.told.length));
    assert.equal(attempts.calls, 3);
    assert.equal(attempts.endedAt, 100);
    const two = await dialed([withTimeout({ timeoutMs: 1000 }), withTimeout({ timeoutMs: 60 })], ["hang"], {
      timeoutMs: 100,
    });
    assert.deepEqual(two.told, ["dial 60"]);
  });

  test("a deadline created for per-call timeoutMs is below the observers and reported to them", async () => {
    const told: string[] = [];
    const observer = (name: string) =>
      withTrace({
        timeout: ({ timeoutMs }) => told.push(`${name} ${timeoutMs}`),
        dialDone: ({ reason }) => told.push(`${name} ${reason}`),
      });
    const silent = { info() {}, warn() {} };
    const registry = new Registry();
    const above = [observer("a"), withPrometheus({ registry }), withLog(silent, { pretty: true }), observer("b")];
    for (const make of [
      (base: Dialer<Duplex>) => compose(...above, retry, observer("c"), base),
      (base: Dialer<Duplex>) => compose(...above, compose(retry, base)),
      (base: Dialer<Duplex>) => compose(...above.slice(0, 2), compose(...above.slice(2), retry, base)),
      (base: Dialer<Duplex>) => compose(...above, base),
    ]) {
      told.length = 0;
      await dialed([], ["hang"], { timeoutMs: 50 }, make);
      assert.deepEqual(
        told.filter((each) => !each.startsWith("c")),
        ["b 50", "a 50", "b timeout", "a timeout"],
      );
    }
    assert.match(await registry.metrics(), /dialer_timeouts_total\{[^}]*dialer_timeout_scope="dial"[^}]*\} 4/);
  });

  test("per-call timeoutMs applies above a decorator that drops the options", async () => {
    const seen = await dialed([drops, retry], ["hang"], { timeoutMs: 50 });
    assert.deepEqual(seen.told, ["dial 50"]);
  });

  test("a handshake can read the time remaining until the deadline", async () => {
    const left: (number | undefined)[] = [];
    const clock = fakeClock();
    const handshake = async (conn: Duplex, { remainingMs }: { remainingMs(): number | undefined }) => {
      left.push(remainingMs());
      return conn;
    };
    const slow = scriptedDialer([
      async () => {
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, 30));
        return scriptedDialer()("h:1");
      },
    ]);
    for (const [layers, timeoutMs] of [
      [[], undefined],
      [[], 100],
      [[withTimeout({ timeoutMs: 1000 })], undefined],
      [[withTimeout({ timeoutMs: 1000 }), copies, withTimeout({ timeoutMs: 50 })], undefined],
      [[withTimeout({ timeoutMs: 50 }), copies, withTimeout({ timeoutMs: 1000 })], undefined],
    ] as const) {
      const dialing = compose(...layers, slow)("h:1", { clock, handshake, timeoutMs });
      await clock.advance(1000);
      (await dialing).destroy();
    }
    assert.deepEqual(left, [undefined, 70, 970, 20, 20]);
  });
});

describe("per-call skip", () => {
  test("skip bypasses all layers of a name", async () => {
    const layers = [withTimeout({ timeoutMs: 50 }), retry, withTimeout({ timeoutMs: 20 })];
    const unbounded = await dialed([withTimeout({ timeoutMs: 50 }), retry], [refused, refused, "connect"], {
      skip: ["timeout", "retry"],
    });
    assert.equal(unbounded.calls, 1);
    const alone = await dialed(layers, ["hang"], { skip: ["timeout"], timeoutMs: 30_000 });
    assert.deepEqual([alone.told, alone.endedAt, alone.calls], [["dial 30000"], 30_000, 1]);
    const once = await dialed(layers, ["hang"], { skip: ["retry"] });
    assert.deepEqual([once.told, once.calls], [["dial 20"], 1]);
  });

  test("skip omits the dial from the output of withLog, plain and pretty", async () => {
    for (const pretty of [false, true]) {
      const lines: string[] = [];
      const log = withLog({ info: (line) => lines.push(line), warn: (line) => lines.push(line) }, { pretty });
      await dialed([log], ["connect"], { skip: ["log"] });
      assert.deepEqual(lines, []);
      await dialed([log], ["connect"], {});
      assert.notDeepEqual(lines, []);
    }
  });

  test("skip rejects the names of telemetry observers so that metrics stay complete", async () => {
    const layers = [withTrace({}), withPrometheus({ registry: new Registry() })];
    for (const name of ["trace", "tracing", "prometheus"]) {
      const { error } = await dialed(layers, ["connect"], { skip: [name] });
      assert.equal(error?.message, `dial: skip must name layers of this dialer (none can be skipped), got "${name}"`);
    }
  });

  test("skip applies to layers of nested compositions and below a user's decorator", async () => {
    for (const make of [
      (base: Dialer<Duplex>) => compose(withTimeout({ timeoutMs: 50 }), compose(copies, retry, base)),
      (base: Dialer<Duplex>) => compose(compose(withTimeout({ timeoutMs: 50 }), compose(retry, base))),
      (base: Dialer<Duplex>) => compose(copies, withTimeout({ timeoutMs: 50 }), copies, copies, retry, copies, base),
      (base: Dialer<Duplex>) => compose((next) => copies(withTimeout({ timeoutMs: 50 })(next)), copies, retry, base),
      (base: Dialer<Duplex>) => compose((next) => withTimeout({ timeoutMs: 50 })(copies(next)), retry, base),
    ]) {
      const { calls } = await dialed([], [refused], { skip: ["retry"] }, make);
      assert.equal(calls, 1);
    }
  });
});

describe("a user's decorator and per-call options", () => {
  const asks =
    (asked: CallOptions): Middleware =>
    (next) =>
    (target, options) =>
      next(target, { ...options, ...asked });

  test("a user's decorator may replace the caller's per-call options for the layers below it", async () => {
    const seen = await dialed([asks({ maxAttempts: 2 }), retry], [refused], { maxAttempts: 5 });
    assert.equal(seen.calls, 2);
    const inner = await dialed(
      [withRetry({ maxAttempts: 2, backoff: () => 0 }), asks({ maxAttempts: 1 }), retry],
      [refused],
      {},
    );
    assert.equal(inner.calls, 2);
    const attempt = await dialed([retry, asks({ timeoutMs: 20 }), withTimeout({ timeoutMs: 50 })], ["hang"], {});
    assert.deepEqual(attempt.told, ["attempt 20", "attempt 20", "attempt 20"]);
    const none = await dialed([asks({ maxAttempts: undefined }), retry], [refused], { maxAttempts: 5 });
    assert.equal(none.calls, 3);
  });

  test("a user's decorator that changes one per-call option keeps the others", async () => {
    const layers = [withTimeout({ timeoutMs: 50 }), retry, asks({ timeoutMs: 20 }), withTimeout({ timeoutMs: 40 })];
    const seen = await dialed(layers, ["hang"], { skip: ["retry"], timeoutMs: 30 });
    assert.deepEqual(seen.told, ["dial 20"]);
  });

  test("a user's decorator that sets an option that no layer below applies causes a TypeError", async () => {
    const seen = await dialed([retry, asks({ maxAttempts: 2 })], [refused], {});
    assert.equal(seen.error?.message, "dial: maxAttempts has no effect: there is no withRetry");
    assert.equal(classify(seen.error), "config");
    assert.deepEqual([seen.calls, seen.endedAt], [0, 0]);
  });

  test("a user's decorator that passes on only some options removes the others for the layers below", async () => {
    assert.equal((await dialed([drops, retry], [refused], { maxAttempts: 5 })).calls, 3);
    assert.equal((await dialed([retry, drops], [refused], { maxAttempts: 5 })).calls, 5);
  });
});

test("a user's base dialer gets no per-call overrides", async () => {
  const inner = scriptedDialer([refused]);
  const over = compose(retry, inner);
  const clock = fakeClock();
  const seen: object[] = [];
  const base: Dialer<Duplex> = (target, options) => {
    seen.push(Object.keys(options ?? {}).sort());
    return over(target, options);
  };
  const dial = compose(withRetry({ maxAttempts: 1 }), base);
  const dialing = assert.rejects(dial("h:1", { clock, maxAttempts: 2, backoff: () => 0, timeoutMs: 5000 }));
  await clock.advance(10_000);
  await dialing;
  assert.equal(inner.calls.length, 2 * 3);
  const own = ["attributes", "background", "clock", "handshake", "owner", "signal", "trace"];
  for (const keys of seen) assert.deepEqual(keys, own);
  await assert.rejects(compose(base)("h:1", { maxAttempts: 2 }), /there is no withRetry$/);
});

test("a layer used without compose applies its own per-call options and rejects the others", async () => {
  const bare = (layer: Middleware) => (base: Dialer<Duplex>) => layer(base);
  assert.equal((await dialed([], [refused], { maxAttempts: 5 }, bare(retry))).calls, 5);
  const bound = await dialed([], ["hang"], { timeoutMs: 5 }, bare(withTimeout({ timeoutMs: 50 })));
  assert.deepEqual(bound.told, ["dial 5"]);
  for (const [layer, asked] of [
    [retry, { timeoutMs: 5 }],
    [withTimeout({ timeoutMs: 50 }), { maxAttempts: 5 }],
    [withTimeout({ timeoutMs: 50 }), { timeoutMs: 5, skip: ["timeout"] }],
  ] as const) {
    const { error, calls } = await dialed([], ["connect"], asked, bare(layer));
    assert.match(String(error), /^TypeError: dial: \w+ has no effect: /);
    assert.equal(calls, 0);
  }
});

describe("invalid per-call options", () => {
  const withBoth = [withTimeout({ timeoutMs: 50 }), retry, withLog({ info() {}, warn() {} })];
  const rows: readonly (readonly [readonly Middleware[], object, string, string])[] = [
    ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "5"].map(
      (timeoutMs) =>
        [
          [],
          { timeoutMs },
          "RangeError",
          `dial: timeoutMs must be a number of milliseconds from 1 to 2147483647, got ${JSON.stringify(timeoutMs)?.replace("null", String(timeoutMs))}`,
        ] as const,
    ),
    [
      [retry],
      { maxAttempts: 0 },
      "RangeError",
      "dial: maxAttempts must be a whole number of at least 1, or Infinity, got 0",
    ],
    [[retry], { backoff: "constant" }, "TypeError", 'dial: backoff must be a function, got "constant"'],
    [[retry], { shouldRetry: true }, "TypeError", "dial: shouldRetry must be a function, got true"],
    [[retry], { backoffBeforeFirst: 1 }, "TypeError", "dial: backoffBeforeFirst must be true or false, got 1"],
    ...["maxAttempts", "backoff", "shouldRetry", "backoffBeforeFirst"].map((option) => {
      const value = { maxAttempts: 2, backoffBeforeFirst: false }[option] ?? (() => 1);
      return [[], { [option]: value }, "TypeError", `dial: ${option} has no effect: there is no withRetry`] as const;
    }),
    [
      [retry],
      { maxAttempts: 2, skip: ["retry"] },
      "TypeError",
      "dial: maxAttempts has no effect: withRetry is skipped",
    ],
    [[retry], { skip: "retry" }, "TypeError", 'dial: skip must be an array of names of layers, got "retry"'],
    [
      withBoth,
      { skip: ["log", "breaker"] },
      "RangeError",
      'dial: skip must name layers of this dialer (timeout, retry, log), got "breaker"',
    ],
    [withBoth, { skip: [5] }, "RangeError", "dial: skip must name layers of this dialer (timeout, retry, log), got 5"],
    [
      [retry],
      { backoff: () => -1 },
      "RangeError",
      `backoff(1, error) must be a number of milliseconds from 0 to 2147483647, got -1`,
    ],
  ];
  for (const [layers, asked, name, message] of rows) {
    test(`a dial with invalid per-call options rejects with "${message}"`, async () => {
      const { error, calls } = await dialed(layers, [refused], asked);
      assert.deepEqual([error?.name, error?.message], [name, message]);
      assert.equal(calls, "backoff" in asked && name === "RangeError" ? 1 : 0);
    });
  }
});
