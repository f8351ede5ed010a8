import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { compose, DialTimeoutError, type TimeoutInfo, withRetry, withTimeout, withTrace } from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";

/** Dials a hanging base dialer, advances the clock by `ms` and returns the dial's error. */
async function timedOut(ms: number, ...layers: Parameters<typeof withTrace>[] | unknown[]): Promise<DialTimeoutError> {
  const clock = fakeClock();
  const dial = (compose as (...layers: unknown[]) => ReturnType<typeof compose<Duplex>>)(...layers);
  const failed = dial("u:secret@h:1", { clock }).then(
    () => assert.fail("must time out"),
    (error) => error,
  );
  await clock.advance(ms);
  const error = await failed;
  assert.equal(clock.pending, 0);
  assert.ok(error instanceof Error);
  return error as DialTimeoutError;
}

test("withTimeout rejects a dial at its deadline and not before", async () => {
  const clock = fakeClock();
  let settled = false;
  const dialing = compose(withTimeout({ timeoutMs: 100 }), scriptedDialer(["hang"]))("h:1", { clock });
  const watched = dialing.catch((error) => {
    settled = true;
    return error;
  });
  await clock.advance(99);
  assert.equal(settled, false);
  await clock.advance(1);
  assert.equal(settled, true);
  const error = await watched;
  assert.ok(error instanceof DialTimeoutError);
  const { name, message, scope, timeoutMs, reason, code, target, attempts, attemptCount } = error;
  assert.deepEqual(
    { name, message, scope, timeoutMs, reason, code, target, attempts, attemptCount },
    {
      name: "DialTimeoutError",
      message: "dial h:1 timed out after 100 ms",
      scope: "dial",
      timeoutMs: 100,
      reason: "timeout",
      code: "ETIMEDOUT",
      target: "h:1",
      attempts: [],
      attemptCount: 1,
    },
  );
});

test("withTimeout does not affect a dial that ends in time, even after the deadline", async () => {
  const clock = fakeClock();
  const conn = await compose(withTimeout({ timeoutMs: 100 }), scriptedDialer())("h:1", { clock });
  assert.equal(clock.pending, 0);
  await clock.advance(1000);
  assert.equal(conn.destroyed, false);
  conn.destroy();
});

test("withTimeout passes on a failure before the deadline unchanged", async () => {
  const clock = fakeClock();
  const dialing = compose(withTimeout({ timeoutMs: 100 }), scriptedDialer([new Error("no")]))("h:1", { clock });
  await assert.rejects(dialing, { name: "DialError", message: "dial h:1: no" });
});

describe("position among the layers", () => {
  test("withTimeout above withRetry limits the whole dial, and its error has the failed attempts", async () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    const error = await timedOut(
      1000,
      withTimeout({ timeoutMs: 100 }),
      withRetry({ backoff: () => 10 }),
      scriptedDialer([refused, refused, "hang"]),
    );
    assert.equal(error.scope, "dial");
    assert.equal(error.message, "dial h:1 timed out after 100 ms; attempt 2 before failed: connect ECONNREFUSED");
    assert.deepEqual(
      error.attempts.map(({ attempt, reason, error }) => ({ attempt, reason, error })),
      [
        { attempt: 1, reason: "refused", error: refused },
        { attempt: 2, reason: "refused", error: refused },
      ],
    );
    assert.equal(error.attemptCount, 3);
  });

  test("withTimeout above withRetry ends a delay before the first attempt", async () => {
    const base = scriptedDialer();
    const error = await timedOut(
      1000,
      withTimeout({ timeoutMs: 100 }),
      withRetry({ backoff: () => 500, backoffBeforeFirst: true }),
      base,
    );
    assert.equal(error.message, "dial h:1 timed out after 100 ms");
    assert.equal(error.attemptCount, 0);
    assert.equal(base.calls.length, 0);
  });

  test("withTimeout below withRetry limits one attempt, which is then retried", async () => {
    const base = scriptedDialer(["hang"]);
    const error = await timedOut(
      1000,
      withRetry({ maxAttempts: 3, backoff: () => 10 }),
      withTimeout({ timeoutMs: 50 }),
      base,
    );
    assert.equal(base.calls.length, 3);
    assert.equal(error.name, "DialError");
    assert.equal(error.reason, "timeout");
    assert.equal(error.code, "ETIMEDOUT");
    assert.equal(error.message, "dial h:1 failed after 3 attempts: attempt 3 to dial h:1 timed out after 50 ms");
    for (const { attempt, reason, error: own } of error.attempts) {
      assert.ok(own instanceof DialTimeoutError);
      assert.equal(own.scope, "attempt");
      assert.equal(own.timeoutMs, 50);
      assert.equal(own.message, `attempt ${attempt} to dial h:1 timed out after 50 ms`);
      assert.equal(reason, "timeout");
    }
  });

  test("the shorter of two nested timeouts ends the dial", async () => {
    for (const [outer, inner] of [
      [50, 100],
      [100, 50],
    ] as const) {
      const layers = [withTimeout({ timeoutMs: outer }), withTimeout({ timeoutMs: inner })];
      const error = await timedOut(1000, ...layers, scriptedDialer(["hang"]));
      assert.equal(error.timeoutMs, 50);
    }
  });
});

test("each timeout that expires calls the timeout hook above it once, with its scope", async () => {
  const told: TimeoutInfo[] = [];
  await timedOut(
    1000,
    withTrace({ timeout: (info) => told.push(info) }),
    withTimeout({ timeoutMs: 70 }),
    withRetry({ backoff: () => 10 }),
    withTimeout({ timeoutMs: 50 }),
    scriptedDialer(["hang"]),
  );
  assert.deepEqual(
    told.map(({ target, scope, timeoutMs }) => `${target} ${scope} ${timeoutMs}`),
    ["h:1 attempt 50", "h:1 dial 70"],
  );
});

test("withTimeout without compose limits a user's own base dialer, with a clear message", async () => {
  const clock = fakeClock();
  const base = scriptedDialer(["hang"]);
  const bare = withTimeout({ timeoutMs: 50 })(base);
  const retried = withRetry({ maxAttempts: 1 })(bare);
  const both = Promise.all([
    assert.rejects(bare("h:1", { clock }), { message: "dial h:1 timed out after 50 ms" }),
    assert.rejects(retried("h:1", { clock }), { message: "an attempt to dial h:1 timed out after 50 ms" }),
  ]);
  await clock.advance(50);
  await both;
  assert.equal(clock.pending, 0);
});

describe("refuses at construction", () => {
  for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
    test(`withTimeout refuses a timeoutMs of ${timeoutMs} at construction`, () => {
      assert.throws(() => withTimeout({ timeoutMs }), {
        name: "RangeError",
        message: `withTimeout: timeoutMs must be a number of milliseconds from 1 to 2147483647, got ${timeoutMs}`,
      });
    });
  }

  test("withTimeout refuses missing and misspelled options at construction", () => {
    assert.throws(() => withTimeout({} as never), { name: "RangeError", message: /timeoutMs .* got undefined$/ });
    assert.throws(() => withTimeout({ timeout: 5 } as never), {
      name: "TypeError",
      message: "withTimeout: unknown option timeout; did you mean timeoutMs?",
    });
    assert.throws(() => withTimeout(5 as never), /^TypeError: withTimeout: options must be an object, got 5$/);
  });
});
