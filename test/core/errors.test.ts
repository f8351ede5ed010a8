import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  compose,
  DialError,
  type Dialer,
  DialTimeoutError,
  parseTarget,
  withDiagnosticsChannel,
  withRetry,
  withTimeout,
} from "../../src/index.ts";
import { messageOf } from "../../src/support/message.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";

const coded = (code: string) => Object.assign(new Error(`connect ${code}`), { code });
const failureOf = async (dial: Dialer<Duplex>, advanceMs = 0): Promise<DialError> => {
  const clock = fakeClock();
  const failed = dial("user:secret@db:5432", { clock }).then(
    () => assert.fail("must fail"),
    (error) => error,
  );
  await clock.advance(advanceMs);
  return failed;
};

test("a DialError has the reason, the target, the cause and the code of the error that was classified", () => {
  const cause = coded("ECONNREFUSED");
  const error = new DialError("dial failed", { reason: "refused", target: parseTarget("u:p@db:5432"), cause });
  assert.ok(error instanceof Error);
  assert.equal(error.name, "DialError");
  assert.equal(error.message, "dial failed");
  assert.equal(error.reason, "refused");
  assert.equal(error.target, "db:5432");
  assert.equal(error.cause, cause);
  assert.equal(error.code, "ECONNREFUSED");
  assert.deepEqual(error.attempts, []);
  assert.equal(error.attemptCount, 0);
});

test("a DialError with only a reason has no target and no cause, and a code from its reason", () => {
  const error = new DialError("no", { reason: "protocol" });
  assert.equal(error.target, "");
  assert.equal(error.code, "ERR_DIAL_PROTOCOL");
  assert.equal("cause" in error, false);
});

test("a DialError takes a code from its reason when its cause has none that is a string", () => {
  assert.equal(new DialError("no", { reason: "_OTHER", cause: { code: 7 } }).code, "ERR_DIAL_OTHER");
  assert.equal(new DialError("no", { reason: "_OTHER", cause: "text" }).code, "ERR_DIAL_OTHER");
});

test("a DialTimeoutError is a DialError with the code ETIMEDOUT", () => {
  const error = new DialTimeoutError("late", { scope: "dial", timeoutMs: 5 });
  assert.ok(error instanceof DialError);
  const { name, code, reason, scope, timeoutMs } = error;
  assert.deepEqual(
    { name, code, reason, scope, timeoutMs },
    { name: "DialTimeoutError", code: "ETIMEDOUT", reason: "timeout", scope: "dial", timeoutMs: 5 },
  );
});

test("a DialError lists each attempt with its own error", async () => {
  const errors = [coded("ECONNREFUSED"), coded("EHOSTUNREACH"), coded("ETIMEDOUT")];
  const dial = compose(withRetry({ maxAttempts: 3, jitter: "none" }), scriptedDialer(errors));
  const error = await failureOf(dial, 1000);
  assert.equal(error.message, "dial db:5432 failed after 3 attempts: connect ETIMEDOUT");
  assert.equal(error.code, "ETIMEDOUT");
  assert.equal(error.reason, "timeout");
  assert.equal(error.cause, errors[2]);
  assert.equal(error.attemptCount, 3);
  assert.deepEqual(
    error.attempts.map(({ attempt, reason, error }) => ({ attempt, reason, error })),
    [
      { attempt: 1, reason: "refused", error: errors[0] },
      { attempt: 2, reason: "unreachable", error: errors[1] },
      { attempt: 3, reason: "timeout", error: errors[2] },
    ],
  );
});

test("a DialError with a target is rethrown unchanged, and one without gets the target of the dial", async () => {
  const knows = new DialError("full", { reason: "server_limit", target: parseTarget("other:1") });
  assert.equal(await failureOf(compose(scriptedDialer([knows]))), knows);
  const doesNot = new DialError("full", { reason: "server_limit" });
  const error = await failureOf(compose(scriptedDialer([doesNot])));
  assert.equal(error.reason, "server_limit");
  assert.equal(error.target, "db:5432");
  assert.equal(error.cause, doesNot);
});

test("a DialError keeps the last 32 attempts and counts all of them", async () => {
  const base = scriptedDialer(Array.from({ length: 100 }, (_, index) => new Error(`no ${index + 1}`)));
  const dial = compose(withRetry({ maxAttempts: 100, backoff: "constant", jitter: "none" }), base);
  const error = await failureOf(dial, 10_000);
  assert.equal(error.attemptCount, 100);
  assert.equal(base.calls.length, 100);
  assert.deepEqual(
    error.attempts.map(({ attempt }) => attempt),
    Array.from({ length: 32 }, (_, index) => index + 69),
  );
  assert.match(String(error.attempts.at(-1)?.error), /no 100$/);
});

test("a DialError can be serialized as JSON and inspected without revealing secrets", async () => {
  const dial = compose(withRetry({ maxAttempts: 3, jitter: "none" }), scriptedDialer([coded("ECONNREFUSED")]));
  const error = await failureOf(dial, 1000);
  const written = JSON.parse(JSON.stringify(error));
  assert.equal(written.reason, "refused");
  assert.equal(written.target, "db:5432");
  assert.equal(written.code, "ECONNREFUSED");
  assert.equal(written.attempts.length, 3);
  const inspected = inspect(error, { depth: Number.POSITIVE_INFINITY });
  for (const text of [JSON.stringify(written), inspected, error.stack ?? ""]) assert.doesNotMatch(text, /secret/);
  assert.doesNotMatch(inspected, /\[Circular/);
});

test("a DialError after many timeouts stays small because attempts do not reference earlier attempts", async () => {
  for (const layers of [
    [withRetry({ maxAttempts: 40, backoff: "constant", jitter: "none" }), withTimeout({ timeoutMs: 10 })],
    [
      withTimeout({ timeoutMs: 20_000 }),
      withRetry({ maxAttempts: 20, backoff: "constant", jitter: "none" }),
      withTimeout({ timeoutMs: 25 }),
      withRetry({ maxAttempts: 2, initialBackoffMs: 1, jitter: "none" }),
      withTimeout({ timeoutMs: 20 }),
    ],
    [
      withTimeout({ timeoutMs: 4000 }),
      withRetry({ maxAttempts: Number.POSITIVE_INFINITY }),
      withTimeout({ timeoutMs: 10 }),
    ],
  ]) {
    const error = await failureOf(compose(...layers, scriptedDialer(["hang"])), 60_000);
    assert.ok(error.attempts.length > 2, "it must have been tried several times");
    assert.ok(error.message.length < 200, error.message);
    for (const attempt of error.attempts) {
      assert.ok((attempt.error as Error).message.length < 100, (attempt.error as Error).message);
      assert.deepEqual((attempt.error as DialError).attempts, []);
    }
    assert.ok(JSON.stringify(error).length < 20_000, "its JSON must stay small");
    assert.ok(inspect(error, { depth: Number.POSITIVE_INFINITY }).length < 200_000, "its text must stay small");
  }
});

test("messageOf returns a message for any thrown value", () => {
  assert.equal(messageOf(new Error("no")), "no");
  assert.equal(messageOf(Object.assign(new AggregateError([]), { code: "ECONNREFUSED" })), "ECONNREFUSED");
  assert.equal(messageOf(new RangeError()), "RangeError");
  assert.equal(messageOf("text"), "text");
  assert.equal(messageOf(undefined), "undefined");
});

test("a DialError and its parts are printable and short, even if a handshake repeats hostile text", async () => {
  const words = `\u001b[2J\u0007\rforged \u202e${"x".repeat(900_000)}`;
  const published: unknown[] = [];
  const heard = (message: unknown) => void published.push(message);
  subscribe("dialtrace:dialDone", heard);
  try {
    const dial = compose(withDiagnosticsChannel(), withTimeout({ timeoutMs: 5000 }), scriptedDialer());
    const handshake = async () => {
      throw Object.assign(new Error(words, { cause: new Error(words) }), { reason: words });
    };
    const error: Error = await dial("db:1", { handshake }).then(
      () => assert.fail("it fails"),
      (error) => error,
    );
    const text = inspect([error, published], { depth: 6, maxStringLength: null, breakLength: 1 });
    assert.match(text, /forged/);
    assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
    assert.ok(text.length < 40_000, `${text.length}`);
  } finally {
    unsubscribe("dialtrace:dialDone", heard);
  }
});
