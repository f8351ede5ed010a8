import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type RetryBudgetOptions, retryBudget, type Withdrawal } from "../../src/index.ts";
import { fakeClock } from "../../src/testing.ts";

/** Withdraws until the budget refuses; returns the number of retries granted. */
function drain(budget: ReturnType<typeof retryBudget>): number {
  let count = 0;
  while (budget.withdraw() !== undefined) count += 1;
  return count;
}

test("retryBudget grants a fifth of the first attempts and ten retries a second by default", () => {
  const budget = retryBudget({ clock: fakeClock() });
  assert.equal(budget.balance(), 100);
  for (let attempt = 0; attempt < 50; attempt += 1) budget.deposit();
  assert.equal(budget.balance(), 110);
  assert.equal(drain(budget), 110);
  assert.equal(budget.balance(), 0);
});

test("retryBudget without minPerSecond grants nothing before the first attempts", () => {
  const budget = retryBudget({ minPerSecond: 0, clock: fakeClock() });
  assert.equal(budget.withdraw(), undefined);
  for (let attempt = 0; attempt < 4; attempt += 1) budget.deposit();
  assert.equal(budget.withdraw(), undefined);
  budget.deposit();
  assert.ok(budget.withdraw());
  assert.equal(budget.withdraw(), undefined);
});

test("retryBudget without a share grants minPerSecond only, however many first attempts it counts", () => {
  const budget = retryBudget({ share: 0, minPerSecond: 0.5, windowMs: 4000, clock: fakeClock() });
  for (let attempt = 0; attempt < 1000; attempt += 1) budget.deposit();
  assert.equal(drain(budget), 2);
});

for (const [share, deposits, expected] of [
  [0.1, 30, 3],
  [0.29, 100, 29],
  [0.7, 10, 7],
  [1 / 3, 3, 1],
  [1, 7, 7],
  [2.5, 2, 5],
] as const) {
  test(`retryBudget with a share of ${share} grants ${expected} retries for ${deposits} first attempts`, () => {
    const budget = retryBudget({ share, minPerSecond: 0, clock: fakeClock() });
    for (let attempt = 0; attempt < deposits; attempt += 1) budget.deposit();
    assert.equal(drain(budget), expected);
  });
}

test("retryBudget counts first attempts for at most the window, and retries for at least the window", async () => {
  const clock = fakeClock();
  const budget = retryBudget({ share: 1, minPerSecond: 0, windowMs: 1000, clock });
  budget.deposit();
  await clock.advance(999);
  assert.equal(budget.balance(), 1);
  await clock.advance(1);
  assert.equal(budget.balance(), 0);
  budget.deposit();
  assert.ok(budget.withdraw());
  await clock.advance(1000);
  budget.deposit();
  assert.equal(budget.balance(), 0, "the retry still counts");
  await clock.advance(100);
  assert.equal(budget.balance(), 1, "the retry of 1100 ms ago does not");
});

test("refund() returns a retry to the budget once", async () => {
  const clock = fakeClock();
  const budget = retryBudget({ share: 0, minPerSecond: 2, windowMs: 1000, clock });
  const [first, second] = [budget.withdraw(), budget.withdraw()];
  assert.equal(budget.balance(), 0);
  first?.refund();
  first?.refund();
  assert.equal(budget.balance(), 1);
  assert.deepEqual(budget.stats(), { balance: 1, firstAttempts: 0, retries: 1, refused: 0 });
  await clock.advance(5000);
  assert.ok(budget.withdraw());
  second?.refund();
  assert.equal(budget.balance(), 1, "a retry that has left the window cannot be refunded");
});

test("stats() of a retry budget returns its totals and balance", () => {
  const budget = retryBudget({ share: 0.5, minPerSecond: 0, clock: fakeClock() });
  for (let attempt = 0; attempt < 5; attempt += 1) budget.deposit();
  assert.equal(drain(budget), 2);
  assert.deepEqual(budget.stats(), { balance: 0, firstAttempts: 5, retries: 2, refused: 1 });
});

test("retryBudget without a clock uses that of the last dial, and restarts when the clock changes", async () => {
  const [one, other] = [fakeClock(), fakeClock()];
  const budget = retryBudget({ share: 1, minPerSecond: 0, windowMs: 1000 });
  await one.advance(60_000);
  budget.deposit(one);
  assert.equal(budget.balance(), 1);
  assert.equal(budget.withdraw(other), undefined);
  budget.deposit(other);
  assert.ok(budget.withdraw(other));
  assert.equal(budget.withdraw(other), undefined);
});

test("retryBudget has a balance before the first dial, on the system's clock", () => {
  assert.equal(retryBudget({ minPerSecond: 3, windowMs: 2000 }).balance(), 6);
});

test("retryBudget agrees with a sum over the window after random steps, and never exceeds its limit", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ act: fc.constant("deposit" as const), count: fc.nat(20) }) },
    { weight: 4, arbitrary: fc.record({ act: fc.constant("withdraw" as const), count: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("refund" as const), count: fc.nat(100) }) },
    { weight: 3, arbitrary: fc.record({ act: fc.constant("wait" as const), count: fc.nat(400) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("wait" as const), count: fc.nat(5000) }) },
  );
  let steps = 0;
  fc.assert(
    fc.property(
      fc.nat(150),
      fc.nat(6),
      fc.constantFrom(10, 100, 1000, 2000),
      fc.array(step, { minLength: 100, maxLength: 400, size: "max" }),
      (percent, minPerSecond, windowMs, plan) => {
        let now = 0;
        const clock = { ...fakeClock(), now: () => now };
        const budget = retryBudget({ share: percent / 100, minPerSecond, windowMs, clock });
        const deposits: number[] = [];
        const retries: { readonly at: number; readonly withdrawal: Withdrawal; refunded: boolean }[] = [];
        const floor = (minPerSecond * windowMs) / 1000;
        const partsAgo = (at: number) => Math.floor(now / (windowMs / 10)) - Math.floor(at / (windowMs / 10));
        const spent = () => retries.filter(({ refunded }) => !refunded);
        /** In hundredths of a retry. */
        const left = () => {
          const counted = deposits.filter((at) => partsAgo(at) < 10).length;
          return percent * counted + 100 * floor - 100 * spent().filter(({ at }) => partsAgo(at) <= 10).length;
        };
        const inWindow = (times: readonly number[]) => times.filter((at) => at >= now - windowMs).length;

        for (const { act, count } of plan) {
          steps += 1;
          if (act === "wait") {
            now += count;
          } else if (act === "deposit") {
            for (let each = 0; each < count; each += 1) {
              budget.deposit();
              deposits.push(now);
            }
          } else if (act === "withdraw") {
            for (let each = 0; each < count; each += 1) {
              const expected = left() >= 100;
              const withdrawal = budget.withdraw();
              assert.equal(withdrawal !== undefined, expected);
              if (withdrawal === undefined) break;
              retries.push({ at: now, withdrawal, refunded: false });
              const made = 100 * inWindow(spent().map(({ at }) => at));
              assert.ok(made <= percent * inWindow(deposits) + 100 * floor, "the retries exceed the limit");
            }
          } else {
            const retry = retries.at(-1 - count);
            retry?.withdrawal.refund();
            if (retry !== undefined) retry.refunded = true;
          }
          assert.equal(budget.balance(), Math.max(0, Math.floor(left() / 100)));
          const { firstAttempts, retries: made } = budget.stats();
          assert.deepEqual([firstAttempts, made], [deposits.length, spent().length]);
        }
      },
    ),
    { numRuns: 60 },
  );
  assert.ok(steps >= 10_000, `${steps} steps`);
});

describe("retryBudget options", () => {
  const rows: readonly (readonly [RetryBudgetOptions, string, string | RegExp])[] = [
    ...[-0.1, Number.NaN, Number.POSITIVE_INFINITY, "1"].flatMap((value) =>
      (["share", "minPerSecond"] as const).map((name): [RetryBudgetOptions, string, string] => [
        { [name]: value },
        "RangeError",
        `retryBudget: ${name} must be a number of at least 0, got ${typeof value === "string" ? '"1"' : value}`,
      ]),
    ),
    [{ windowMs: 0 }, "RangeError", /^retryBudget: windowMs .* got 0$/],
    [{ clock: 5 as never }, "TypeError", "retryBudget: clock.now must be a function, got undefined"],
    [{ clock: null as never }, "TypeError", "retryBudget: clock.now must be a function, got undefined"],
    [{ percent: 20 } as never, "TypeError", /^retryBudget: unknown option percent; the options are share,/],
  ];
  for (const [options, name, message] of rows) {
    test(`retryBudget refuses options at construction: ${message}`, () =>
      assert.throws(() => retryBudget(options), { name, message }));
  }
});
