import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import {
  compose,
  DialError,
  type DialTrace,
  type RetryOptions,
  reasons,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { fakeClock, type Step, scriptedDialer } from "../../src/testing.ts";
import { turns } from "../support/contract.ts";

const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
const untrusted = Object.assign(new Error("self-signed"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });

/** Dials through withRetry until the dial ends, and records the hooks. */
async function played(
  options: RetryOptions,
  steps: readonly Step[],
  above: Parameters<typeof compose<Duplex>>[0][] = [],
) {
  const clock = fakeClock();
  const base = scriptedDialer(steps);
  const said: string[] = [];
  const delays: number[] = [];
  const hooks: DialTrace = {
    retryScheduled({ target, attempt, delayMs, reason }) {
      said.push(`${target} again as ${attempt} after ${reason}`);
      delays.push(delayMs);
    },
    retryExhausted: ({ target, attempts, cause, reason }) =>
      said.push(`${target} given up after ${attempts} for ${cause}: ${reason}`),
  };
  const dial = (compose as (...layers: unknown[]) => ReturnType<typeof compose<Duplex>>)(
    withTrace(hooks),
    ...above,
    withRetry(options),
    base,
  );
  const dialing = dial("h:1", { clock }).then(
    (conn) => conn.destroy() && undefined,
    (error) => error,
  );
  await clock.advance(24 * 60 * 60_000);
  const error = await dialing;
  assert.equal(clock.pending, 0);
  return { error, said, delays, calls: base.calls.length };
}

test("withRetry retries a failed dial until it succeeds", async () => {
  const { error, said, calls } = await played({}, [refused, refused, "connect"]);
  assert.equal(error, undefined);
  assert.equal(calls, 3);
  assert.deepEqual(said, ["h:1 again as 2 after refused", "h:1 again as 3 after refused"]);
});

test("withRetry calls no hooks when the first attempt succeeds", async () => {
  const { said, calls } = await played({}, ["connect"]);
  assert.equal(calls, 1);
  assert.deepEqual(said, []);
});

for (const [maxAttempts, expected] of [
  [undefined, 4],
  [1, 1],
  [2, 2],
  [7, 7],
] as const) {
  test(`withRetry with maxAttempts ${maxAttempts} makes ${expected} attempts, counting the first`, async () => {
    const { error, said, calls } = await played({ maxAttempts }, [refused]);
    assert.equal(calls, expected);
    assert.equal(error.attemptCount, expected);
    assert.equal(said.at(-1), `h:1 given up after ${expected} for attempts: refused`);
    assert.equal(said.length, expected);
  });
}

test("withRetry with maxAttempts Infinity retries until the deadline, and reports the cause deadline", async () => {
  const { error, said, calls } = await played(
    { maxAttempts: Number.POSITIVE_INFINITY, backoff: () => 10 },
    [refused],
    [withTimeout({ timeoutMs: 5005 })],
  );
  assert.equal(calls, 501);
  assert.equal(error.name, "DialError");
  assert.match(error.message, /^dial h:1 failed after 501 attempts: .*; no time is left for another$/);
  assert.equal(error.attemptCount, 501);
  assert.equal(error.attempts.length, 32);
  assert.equal(said.at(-1), "h:1 given up after 501 for deadline: refused");
});

test("withRetry with maxAttempts Infinity retries until the signal aborts, and reports no exhaustion", async () => {
  const clock = fakeClock();
  const controller = new AbortController();
  const base = scriptedDialer([refused]);
  const said: string[] = [];
  const trace: DialTrace = { retryExhausted: () => said.push("exhausted") };
  const dialing = compose(withRetry({ maxAttempts: Number.POSITIVE_INFINITY, backoff: () => 10 }), base)("h:1", {
    clock,
    signal: controller.signal,
    trace,
  });
  const rejected = assert.rejects(dialing, (error) => error === "enough");
  await clock.advance(999);
  controller.abort("enough");
  await rejected;
  assert.equal(base.calls.length, 100);
  assert.deepEqual(said, []);
  assert.equal(clock.pending, 0);
});

test("withRetry passes on the error of a single attempt, and summarizes several attempts", async () => {
  const single = await played({ maxAttempts: 1 }, [refused]);
  assert.equal(single.error.message, "dial h:1: connect ECONNREFUSED");
  assert.equal(single.error.cause, refused);
  assert.equal(single.error.attempts.length, 1);
  const known = new DialError("server full", { reason: "server_limit" });
  const bare = withRetry({ maxAttempts: 1 })(scriptedDialer([known]));
  await assert.rejects(bare("h:1"), (error) => error === known);
  const several = await played({ maxAttempts: 2 }, [new Error("first"), refused]);
  assert.equal(several.error.message, "dial h:1 failed after 2 attempts: connect ECONNREFUSED");
  assert.equal(several.error.cause, refused);
  assert.equal(several.error.reason, "refused");
  assert.equal(several.error.code, "ECONNREFUSED");
});

describe("the delays of withRetry", () => {
  const rows: readonly (readonly [string, RetryOptions, readonly number[]])[] = [
    ["full jitter over 100 ms, doubling, by default", { random: () => 0.5 }, [50, 100, 200]],
    ["no jitter", { jitter: "none" }, [100, 200, 400]],
    ["full jitter at its lower limit", { jitter: "full", random: () => 0 }, [0, 0, 0]],
    ["equal jitter", { jitter: "equal", random: () => 0.5 }, [75, 150, 300]],
    ["decorrelated jitter", { jitter: "decorrelated", random: () => 0.5 }, [200, 350, 575]],
    ["constant backoff", { backoff: "constant", initialBackoffMs: 30, jitter: "none" }, [30, 30, 30]],
    ["a user's function", { backoff: (attempt) => attempt * 7 }, [7, 14, 21]],
  ];
  for (const [what, options, expected] of rows) {
    test(`withRetry delays by its backoff: ${what}`, async () => {
      const { delays } = await played(options, [refused]);
      assert.deepEqual(delays, expected);
    });
  }

  test("withRetry starts the next attempt when the delay ends, not before", async () => {
    const clock = fakeClock();
    const base = scriptedDialer([refused]);
    const dialing = assert.rejects(compose(withRetry({ jitter: "none" }), base)("h:1", { clock }));
    const calls: number[] = [];
    for (const ms of [99, 1, 199, 1, 399, 1]) {
      await clock.advance(ms);
      calls.push(base.calls.length);
    }
    await dialing;
    assert.deepEqual(calls, [1, 2, 2, 3, 3, 4]);
  });

  test("withRetry restarts the backoff with each dial", async () => {
    const delays: number[] = [];
    const clock = fakeClock();
    const dial = compose(
      withTrace({ retryScheduled: ({ delayMs }) => delays.push(delayMs) }),
      withRetry({ jitter: "decorrelated", maxAttempts: 3, random: () => 0.5 }),
      scriptedDialer([refused]),
    );
    for (const _ of [1, 2]) {
      const dialing = assert.rejects(dial("h:1", { clock }));
      await clock.advance(10_000);
      await dialing;
    }
    assert.deepEqual(delays, [200, 350, 200, 350]);
  });

  for (const bad of [Number.NaN, -1, Number.POSITIVE_INFINITY, 2 ** 31]) {
    test(`withRetry rejects with a RangeError when a backoff function returns ${bad}`, async () => {
      const { error, calls } = await played({ backoff: () => bad }, [refused]);
      assert.equal(calls, 1);
      assert.equal(error.name, "RangeError");
      assert.match(error.message, new RegExp(`^backoff\\(1, error\\) .* got ${bad}$`));
    });
  }

  test("an abort ends a retry delay immediately, without another attempt", async () => {
    const clock = fakeClock();
    const controller = new AbortController();
    const base = scriptedDialer([refused]);
    const dialing = compose(withRetry(), base)("h:1", { clock, signal: controller.signal });
    await turns();
    assert.equal(clock.pending, 1);
    const reason = new Error("shutting down");
    controller.abort(reason);
    assert.equal(clock.pending, 0);
    await assert.rejects(dialing, (error) => error === reason);
    assert.equal(base.calls.length, 1);
  });
});

describe("backoffBeforeFirst", () => {
  test("backoffBeforeFirst calls the backoff with attempt 0 and no error, then as after every failure", async () => {
    const asked: unknown[] = [];
    const calls: number[] = [];
    const clock = fakeClock();
    const backoff = (attempt: number, error: unknown) => {
      asked.push([clock.now(), attempt, (error as DialError | undefined)?.cause]);
      return 10 + attempt;
    };
    const step = async () => {
      calls.push(clock.now());
      throw refused;
    };
    const dial = compose(withRetry({ backoff, backoffBeforeFirst: true, maxAttempts: 3 }), scriptedDialer([step]));
    const rejected = assert.rejects(dial("h:1", { clock }), { reason: "refused", attemptCount: 3 });
    await clock.advance(1000);
    await rejected;
    assert.deepEqual(asked, [
      [0, 0, undefined],
      [10, 1, refused],
      [21, 2, refused],
    ]);
    assert.deepEqual(calls, [10, 21, 33]);
  });

  test("backoffBeforeFirst is off by default, and reports startDelayed instead of a retry", async () => {
    const asked: number[] = [];
    const delayed: string[] = [];
    const watch = withTrace({ startDelayed: ({ target, delayMs }) => delayed.push(`${target} ${delayMs}`) });
    const backoff = (attempt: number) => {
      asked.push(attempt);
      return 10;
    };
    await played({ backoff }, [refused, "connect"], [watch]);
    assert.deepEqual([asked, delayed], [[1], []]);
    const { said, error } = await played({ backoff, backoffBeforeFirst: true }, ["connect"], [watch]);
    assert.deepEqual(delayed, ["h:1 10"]);
    assert.equal(error, undefined);
    assert.deepEqual(said, []);
    assert.deepEqual(asked, [1, 0]);
  });

  for (const [what, options, expected] of [
    ["exponential", { jitter: "none" }, [100, 100, 200]],
    ["constant backoff", { backoff: "constant", jitter: "none" }, [100, 100, 100]],
    ["decorrelated jitter", { jitter: "decorrelated", random: () => 0.5 }, [200, 350, 575]],
  ] as const) {
    test(`backoffBeforeFirst delays the first attempt as after a first failure: ${what}`, async () => {
      const clock = fakeClock();
      const calls: number[] = [];
      const step = async () => {
        calls.push(clock.now());
        throw refused;
      };
      const dial = compose(withRetry({ ...options, backoffBeforeFirst: true, maxAttempts: 3 }), scriptedDialer([step]));
      const rejected = assert.rejects(dial("h:1", { clock }));
      await clock.advance(10_000);
      await rejected;
      const [first, second, third] = expected;
      assert.deepEqual(calls, [first, first + second, first + second + third]);
    });
  }

  test("backoffBeforeFirst sets no timer for a delay of 0", async () => {
    const clock = fakeClock();
    const dial = compose(withRetry({ backoff: () => 0, backoffBeforeFirst: true }), scriptedDialer());
    (await dial("h:1", { clock })).destroy();
  });

  test("an abort ends the delay of backoffBeforeFirst without an attempt, a listener or a timer", async () => {
    const clock = fakeClock();
    const controller = new AbortController();
    const base = scriptedDialer();
    const dial = compose(withRetry({ backoff: () => 100, backoffBeforeFirst: true }), base);
    const dialing = dial("h:1", { clock, signal: controller.signal });
    await turns();
    assert.equal(clock.pending, 1);
    controller.abort("enough");
    assert.equal(clock.pending, 0);
    await assert.rejects(dialing, (error) => error === "enough");
    assert.equal(base.calls.length, 0);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  });

  for (const stopAt of [0, 1, 2]) {
    test(`a backoff function that throws at ${stopAt} ends the dial with that error, without another attempt`, async () => {
      const stop = new Error("no more attempts");
      const backoff = (attempt: number) => {
        if (attempt === stopAt) throw stop;
        return 1;
      };
      const { error, calls, said } = await played({ backoff, backoffBeforeFirst: true }, [refused]);
      assert.equal(error, stop);
      assert.equal(calls, stopAt);
      const given = stopAt === 0 ? [] : [`h:1 given up after ${stopAt} for non_retryable: refused`];
      assert.deepEqual(said.slice(Math.max(0, stopAt - 1)), given);
    });
  }
});

test("go-micro's n retries are maxAttempts n + 1, which counts the first attempt", async () => {
  for (const retries of [0, 1, 3]) {
    const { calls } = await played({ maxAttempts: retries + 1, backoff: () => 0 }, [refused]);
    assert.equal(calls, retries + 1);
  }
});

describe("the end of retries", () => {
  test("withRetry makes no attempt after a success", async () => {
    const { calls, error } = await played({ maxAttempts: 100 }, [refused, "connect", refused]);
    assert.equal(error, undefined);
    assert.equal(calls, 2);
  });

  test("withRetry rejects immediately with the attempt's error when shouldRetry returns false", async () => {
    const { calls, error, delays } = await played({ maxAttempts: 100, shouldRetry: () => false }, [refused]);
    assert.equal(calls, 1);
    assert.equal(error.cause, refused);
    assert.deepEqual(delays, []);
  });

  test("withRetry skips a backoff that would exceed the deadline", async () => {
    const said: string[] = [];
    for (const [backoffMs, timeoutMs, endsAt, tries] of [
      [500, 100, 0, 1],
      [50, 100, 50, 2],
      [49, 100, 98, 3],
      [100, 100, 0, 1],
    ] as const) {
      const clock = fakeClock();
      const base = scriptedDialer([refused]);
      const dial = compose(
        withTrace({ retryExhausted: ({ cause, reason }) => said.push(`${cause} ${reason}`) }),
        withTimeout({ timeoutMs }),
        withRetry({ backoff: () => backoffMs, maxAttempts: 10 }),
        base,
      );
      let endedAt = Number.NaN;
      const dialing = dial("h:1", { clock }).catch((error) => {
        endedAt = clock.now();
        return error;
      });
      await clock.advance(1000);
      const error = await dialing;
      const times = tries === 1 ? "1 attempt" : `${tries} attempts`;
      assert.equal(error.message, `dial h:1 failed after ${times}: connect ECONNREFUSED; no time is left for another`);
      assert.deepEqual([error.name, error.code, error.attempts.length], ["DialError", "ECONNREFUSED", tries]);
      assert.deepEqual([endedAt, base.calls.length], [endsAt, tries]);
      assert.equal(clock.pending, 0);
    }
    assert.deepEqual(said, Array(4).fill("deadline refused"));
  });

  test("an outer withRetry retries when the inner one has no time left in its attempt", async () => {
    const { calls, said } = await played(
      { backoff: () => 50, maxAttempts: 9 },
      [refused],
      [withRetry({ backoff: () => 7, maxAttempts: 2 }), withTimeout({ timeoutMs: 60 })],
    );
    assert.equal(calls, 4);
    const inner = (attempt: number) => [
      `h:1 again as ${attempt} after refused`,
      "h:1 given up after 2 for deadline: refused",
    ];
    assert.deepEqual(said, [
      ...inner(2),
      "h:1 again as 3 after refused",
      ...inner(4),
      "h:1 given up after 2 for attempts: refused",
    ]);
  });

  test("withRetry ignores a deadline of another clock", async () => {
    const outer = fakeClock();
    const inner = fakeClock();
    await inner.advance(1_000_000);
    const base = scriptedDialer([refused, "connect"]);
    const dial = compose(withTimeout({ timeoutMs: 100 }), inner.layer, withRetry({ backoff: () => 50 }), base);
    const dialing = dial("h:1", { clock: outer });
    await inner.advance(50);
    (await dialing).destroy();
    assert.equal(base.calls.length, 2);
  });
});

describe("shouldRetry", () => {
  for (const reason of reasons) {
    test(`withRetry follows the table of reasons after ${reason}`, async () => {
      const never =
        /^(access_denied|tls_(cert|hostname|client|protocol).*|proxy_auth|protocol|circuit_open|pool_exhausted|no_target|config)$/;
      const once = /^auth_/;
      const { calls, said } = await played({ maxAttempts: 5 }, [new DialError("no", { reason })]);
      const expected = never.test(reason) ? 1 : once.test(reason) ? 2 : 5;
      assert.equal(calls, expected);
      const cause = expected === 5 ? "attempts" : "non_retryable";
      assert.equal(said.at(-1), `h:1 given up after ${expected} for ${cause}: ${reason}`);
    });
  }

  test("shouldRetry gets the error and the number of the attempt", async () => {
    const asked: unknown[] = [];
    const shouldRetry = (error: unknown, attempt: number) => {
      asked.push([(error as DialError).cause, attempt]);
      return attempt < 3;
    };
    const { calls, said } = await played({ maxAttempts: 9, shouldRetry }, [untrusted]);
    assert.equal(calls, 3);
    assert.deepEqual(asked, [
      [untrusted, 1],
      [untrusted, 2],
      [untrusted, 3],
    ]);
    assert.equal(said.at(-1), "h:1 given up after 3 for non_retryable: tls_cert_untrusted");
  });

  test("shouldRetry is not called after the last attempt or an abort", async () => {
    let asked = 0;
    const shouldRetry = () => {
      asked += 1;
      return true;
    };
    await played({ maxAttempts: 2, shouldRetry }, [refused]);
    assert.equal(asked, 1);
    const aborting = compose(withRetry({ shouldRetry }), scriptedDialer([AbortSignal.abort().reason as Error]));
    await assert.rejects(aborting("h:1"), { name: "AbortError" });
    assert.equal(asked, 1);
  });

  test("shouldRetry may return a promise: false ends the dial, true retries", async () => {
    const no = await played({ shouldRetry: async () => false }, [refused]);
    assert.equal(no.calls, 1);
    assert.equal(no.said.at(-1), "h:1 given up after 1 for non_retryable: refused");
    const yes = await played({ shouldRetry: async (_error, attempt) => attempt < 3 }, [refused]);
    assert.equal(yes.calls, 3);
  });

  test("a shouldRetry that never settles is ended by an abort and by the deadline", async () => {
    const never = () => new Promise<boolean>(() => {});
    const clock = fakeClock();
    const controller = new AbortController();
    const dial = compose(withRetry({ shouldRetry: never }), scriptedDialer([refused]));
    const aborted = assert.rejects(dial("h:1", { clock, signal: controller.signal }), (error) => error === "enough");
    await turns();
    controller.abort("enough");
    await aborted;
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    const { error, said } = await played({ shouldRetry: never }, [refused], [withTimeout({ timeoutMs: 1000 })]);
    assert.equal(error.name, "DialTimeoutError");
    assert.deepEqual(said, ["h:1 given up after 1 for deadline: refused"]);
    assert.equal(clock.pending, 0);
  });

  test("a shouldRetry that settles after an abort starts no attempt", async () => {
    let say = (_yes: boolean) => {};
    const late = () =>
      new Promise<boolean>((resolve) => {
        say = resolve;
      });
    const clock = fakeClock();
    const controller = new AbortController();
    const base = scriptedDialer([refused]);
    const dialing = compose(withRetry({ shouldRetry: late }), base)("h:1", { clock, signal: controller.signal });
    await turns();
    controller.abort("enough");
    say(true);
    await assert.rejects(dialing, (error) => error === "enough");
    await clock.advance(60_000);
    assert.equal(base.calls.length, 1);
  });

  test("a shouldRetry that throws ends the dial with its error", async () => {
    const broken = () => {
      throw new Error("a broken function");
    };
    const { error, calls } = await played({ shouldRetry: broken }, [refused]);
    assert.equal(calls, 1);
    assert.equal(error.message, "a broken function");
  });
});

test("a deadline that expires during an attempt rejects with the timeout, and reports the cause deadline", async () => {
  const { error, said, calls } = await played({}, [refused, "hang"], [withTimeout({ timeoutMs: 1000 })]);
  assert.equal(calls, 2);
  assert.equal(error.scope, "dial");
  assert.deepEqual(said, ["h:1 again as 2 after refused", "h:1 given up after 2 for deadline: timeout"]);
});

test("an abort at the moment of a failure cancels the dial with the signal's reason, and reports no exhaustion", async () => {
  for (const moment of ["attemptDone", "retryScheduled"] as const) {
    const controller = new AbortController();
    const said: string[] = [];
    const dialing = compose(
      withTrace({
        dialDone: ({ outcome }) => said.push(outcome),
        retryExhausted: ({ cause }) => said.push(cause),
      }),
      withRetry(),
      scriptedDialer([refused]),
    )("h:1", { clock: fakeClock(), signal: controller.signal, trace: { [moment]: () => controller.abort("enough") } });
    await assert.rejects(dialing, (error) => error === "enough");
    assert.deepEqual(said, ["canceled"]);
  }
});

describe("withRetry options", () => {
  const rows: readonly (readonly [RetryOptions, string, string])[] = [
    ...[0, -1, 1.5, Number.NaN].map((maxAttempts): [RetryOptions, string, string] => [
      { maxAttempts },
      "RangeError",
      `withRetry: maxAttempts must be a whole number of at least 1, or Infinity, got ${maxAttempts}`,
    ]),
    [{ shouldRetry: 5 as never }, "TypeError", "withRetry: shouldRetry must be a function, got 5"],
    [
      { maxAttempt: 5 } as never,
      "TypeError",
      /^withRetry: unknown option maxAttempt; did you mean maxAttempts\?$/ as never,
    ],
    [{ backoffBeforeFirst: 1 as never }, "TypeError", "withRetry: backoffBeforeFirst must be true or false, got 1"],
    [{ initialBackoffMs: -1 }, "RangeError", /^withRetry: initialBackoffMs .* got -1$/ as never],
    [{ jitter: "some" as never }, "RangeError", /^withRetry: jitter .* got "some"$/ as never],
  ];
  for (const [options, name, message] of rows) {
    test(`withRetry refuses options at construction: ${message}`, () =>
      assert.throws(() => withRetry(options), { name, message }));
  }
});
