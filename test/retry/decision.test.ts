import assert from "node:assert/strict";
import { test } from "node:test";
import { Cancel } from "../../src/async/cancel.ts";
import { decide, type RetryPolicy } from "../../src/retry/decision.ts";
import { retryBudget } from "../../src/retry/retry-budget.ts";
import { fakeClock } from "../../src/testing.ts";

const error = new Error("refused");
const first = { attempt: 1, error, reason: "refused" } as const;
const second = { ...first, attempt: 2 };

function policy(changes: Partial<RetryPolicy> = {}): RetryPolicy {
  return {
    maxAttempts: 3,
    shouldRetry: () => true,
    shouldRetryName: "shouldRetry",
    backoff: () => 50,
    budget: undefined,
    clock: fakeClock(),
    cancel: undefined,
    deadline: undefined,
    ...changes,
  };
}

test("decide retries after the backoff", () => {
  const decision = { retry: true, delayMs: 50, withdrawal: undefined };
  assert.deepEqual(decide(policy(), second), decision);
  assert.deepEqual(decide(policy({ deadline: 51 }), second), decision);
});

test("decide gives up with the attempt's error after a single attempt, and with a summary after several", () => {
  const never = policy({ shouldRetry: () => false });
  assert.deepEqual(decide(never, first), { retry: false, cause: "non_retryable", rejection: { error } });
  assert.deepEqual(decide(never, second), { retry: false, cause: "non_retryable" });
});

test("decide returns the cause when it gives up", () => {
  const spent = retryBudget({ share: 0, minPerSecond: 0 });
  for (const [changes, cause] of [
    [{ maxAttempts: 2 }, "attempts"],
    [{ deadline: 50 }, "deadline"],
    [{ budget: spent }, "budget"],
  ] as const) {
    assert.deepEqual(decide(policy(changes), second), { retry: false, cause });
  }
});

test("decide withdraws from the budget only for a retry that is made", () => {
  const budget = retryBudget({ share: 0, minPerSecond: 1, windowMs: 1000, clock: fakeClock() });
  decide(policy({ budget, deadline: 50 }), second);
  decide(policy({ budget, maxAttempts: 2 }), second);
  assert.equal(budget.balance(), 1);
  decide(policy({ budget }), second);
  assert.equal(budget.balance(), 0);
});

test("decide rejects with what a user's function throws, and reports no cause when the dial was canceled", async () => {
  const thrown = new Error("broken");
  const broken = () => {
    throw thrown;
  };
  for (const changes of [{ shouldRetry: broken }, { backoff: broken }]) {
    const decision = { retry: false, cause: "non_retryable", rejection: { error: thrown } };
    assert.deepEqual(decide(policy(changes), first), decision);
  }
  const cancel = new Cancel();
  const pending = decide(policy({ shouldRetry: () => new Promise(() => {}), cancel }), first);
  cancel.abort("enough");
  assert.deepEqual(await pending, { retry: false, cause: undefined, rejection: { error: "enough" } });
});
