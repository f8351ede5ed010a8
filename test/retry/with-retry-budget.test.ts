import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  compose,
  type DialTrace,
  type RetryBudget,
  retryBudget,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { connection, turns } from "../support/contract.ts";

const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
const forever = { maxAttempts: Number.POSITIVE_INFINITY, backoff: () => 10 };

test("withRetry rejects with the error of the last attempt when its budget is spent, and reports the cause", async () => {
  const clock = fakeClock();
  const budget = retryBudget({ share: 0, minPerSecond: 2, windowMs: 1000 });
  const base = scriptedDialer([refused]);
  const said: string[] = [];
  const dialing = compose(withRetry({ ...forever, budget }), base)("h:1", {
    clock,
    trace: {
      retryScheduled: ({ attempt }) => said.push(`again as ${attempt}`),
      retryExhausted: ({ attempts, cause, reason }) => said.push(`given up after ${attempts} for ${cause}: ${reason}`),
    },
  });
  const rejected = assert.rejects(dialing, (error) => {
    const { name, message, reason, cause, attemptCount } = error as never;
    assert.deepEqual(
      { name, message, reason, cause, attemptCount },
      {
        name: "DialError",
        message: "dial h:1 failed after 3 attempts: connect ECONNREFUSED",
        reason: "refused",
        cause: refused,
        attemptCount: 3,
      },
    );
    return true;
  });
  await clock.advance(1000);
  await rejected;
  assert.deepEqual(said, ["again as 2", "again as 3", "given up after 3 for budget: refused"]);
  assert.deepEqual(budget.stats(), { balance: 0, firstAttempts: 1, retries: 2, refused: 1 });
  assert.equal(clock.pending, 0);
});

test("withRetry withdraws nothing after the last attempt or a failure that is not retried", async () => {
  const clock = fakeClock();
  const budget = retryBudget({ share: 0, minPerSecond: 1, windowMs: 1000 });
  for (const options of [{ maxAttempts: 1 }, { shouldRetry: () => false }]) {
    await assert.rejects(compose(withRetry({ ...options, budget }), scriptedDialer([refused]))("h:1", { clock }));
  }
  assert.deepEqual(budget.stats(), { balance: 1, firstAttempts: 2, retries: 0, refused: 0 });
});

test("a retry budget is shared by all dialers that use it", async () => {
  const clock = fakeClock();
  const budget = retryBudget({ share: 0.5, minPerSecond: 0 });
  const good = compose(withRetry({ budget }), scriptedDialer());
  const base = scriptedDialer([refused]);
  const bad = compose(withRetry({ ...forever, budget }), base);
  for (let dials = 0; dials < 9; dials += 1) (await good("good:1", { clock })).destroy();
  const rejected = assert.rejects(bad("bad:1", { clock }), { attemptCount: 6 });
  await clock.advance(1000);
  await rejected;
  assert.equal(base.calls.length, 6, "one first attempt, and half of ten");
});

test("withRetry refunds a retry that an abort prevents, and withdraws none beyond the deadline", async () => {
  const clock = fakeClock();
  const budget = retryBudget({ share: 0, minPerSecond: 1, windowMs: 1000 });
  const controller = new AbortController();
  const dial = compose(withRetry({ ...forever, budget }), scriptedDialer([refused]));
  const aborted = assert.rejects(dial("h:1", { clock, signal: controller.signal }), (error) => error === "enough");
  await turns();
  assert.equal(budget.balance(), 0);
  controller.abort("enough");
  await aborted;
  assert.equal(budget.balance(), 1);

  await assert.rejects(withTimeout({ timeoutMs: 5 })(dial)("h:1", { clock }), /no time is left for another/);
  assert.deepEqual(budget.stats(), { balance: 1, firstAttempts: 2, retries: 0, refused: 0 });
});

test("withRetry deposits nothing for a dial aborted before it started, and withdraws nothing for an aborted attempt", async () => {
  const clock = fakeClock();
  const budget = retryBudget();
  const controller = new AbortController();
  const bare = withRetry({ budget })(scriptedDialer(["hang"]));
  const dialing = compose(withRetry({ budget }), scriptedDialer(["hang"]))("h:1", { clock, signal: controller.signal });
  const rejected = assert.rejects(dialing);
  controller.abort();
  await rejected;
  await assert.rejects(bare("h:1", { clock, signal: controller.signal }));
  assert.deepEqual(budget.stats(), { balance: 100, firstAttempts: 1, retries: 0, refused: 0 });
});

test("a nested withRetry does not deposit the retries of the outer one", async () => {
  const clock = fakeClock();
  const [inner, outer] = [retryBudget(), retryBudget()];
  const dial = compose(
    withRetry({ maxAttempts: 3, backoff: () => 1, budget: outer }),
    withRetry({ maxAttempts: 2, backoff: () => 1, budget: inner }),
    scriptedDialer([refused]),
  );
  const rejected = assert.rejects(dial("h:1", { clock }));
  await clock.advance(100);
  await rejected;
  const count = ({ stats }: { stats: RetryBudget["stats"] }, of: RetryBudget) => {
    const { firstAttempts, retries } = stats.call(of);
    return { firstAttempts, retries };
  };
  assert.deepEqual(count(outer, outer), { firstAttempts: 1, retries: 2 });
  assert.deepEqual(count(inner, inner), { firstAttempts: 1, retries: 3 });
});

test("withRetry calls the methods of a user's own budget", async () => {
  const clock = fakeClock();
  const said: string[] = [];
  const budget: RetryBudget = {
    deposit: (given) => said.push(`deposit at ${given?.now()}`),
    withdraw(given) {
      said.push(`withdraw at ${given?.now()}`);
      return said.length < 3 ? { refund: () => said.push("refund") } : undefined;
    },
    balance: () => 0,
    stats: () => ({ balance: 0, firstAttempts: 0, retries: 0, refused: 0 }),
  };
  const rejected = assert.rejects(
    compose(withRetry({ ...forever, budget }), scriptedDialer([refused]))("h:1", { clock }),
  );
  await clock.advance(100);
  await rejected;
  assert.deepEqual(said, ["deposit at 0", "withdraw at 0", "withdraw at 10"]);
});

test("dialers that share a budget never exceed its limit in random steps, and every dial ends", async () => {
  const share = 0.2;
  const windowMs = 2000;
  const floor = 4;
  const outcome = fc.constantFrom(refused, refused, refused, refused, "connect" as const);
  const step = fc.record({
    dialer: fc.nat(2),
    dials: fc.nat(2),
    waitMs: fc.constantFrom(0, 1, 7, 30, 120),
    abort: fc.constantFrom(false, false, false, false, true),
    outcomes: fc.array(outcome, { minLength: 1, maxLength: 4 }),
  });
  const total = { steps: 0, retries: 0, spent: 0, refunds: 0 };

  const play = async (plan: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]) => {
    const clock = fakeClock();
    const first: number[] = [];
    const granted = new Set<{ readonly at: number }>();
    let again = 0;
    const real = retryBudget({ share, minPerSecond: (floor * 1000) / windowMs, windowMs });
    const budget: RetryBudget = {
      balance: () => real.balance(),
      stats: () => real.stats(),
      deposit(given) {
        first.push(clock.now());
        real.deposit(given);
      },
      withdraw(given) {
        const withdrawal = real.withdraw(given);
        if (withdrawal === undefined) return undefined;
        const grant = { at: clock.now() };
        granted.add(grant);
        const recent = ({ at }: { at: number }) => at >= clock.now() - windowMs;
        const made = [...granted].filter(recent).length;
        const allowed = share * first.filter((at) => recent({ at })).length + floor;
        assert.ok(made <= allowed + 1e-9, `${made} retries, ${allowed} allowed`);
        return {
          refund() {
            total.refunds += 1;
            granted.delete(grant);
            withdrawal.refund();
          },
        };
      },
    };
    let outcomes: ("connect" | Error)[] = [];
    const answer = async () => {
      const next = outcomes.shift() ?? refused;
      if (next === "connect") return connection();
      throw next;
    };
    const hooks: DialTrace = {
      attemptStart: ({ attempt }) => {
        if (attempt > 1) again += 1;
      },
      retryExhausted: ({ cause }) => {
        if (cause === "budget") total.spent += 1;
      },
    };
    const dialers = [0, 30, 60].map((backoffMs) =>
      compose(
        withTrace(hooks),
        withRetry({ maxAttempts: 6, backoff: () => backoffMs, budget }),
        scriptedDialer([answer]),
      ),
    );
    const ended: Promise<unknown>[] = [];
    let controllers: AbortController[] = [];
    for (const { dialer, dials, waitMs, abort, outcomes: given } of plan) {
      total.steps += 1;
      outcomes = [...given];
      for (let each = 0; each < dials; each += 1) {
        const controller = new AbortController();
        controllers.push(controller);
        const dialing = dialers[dialer]?.("h:1", { clock, signal: controller.signal });
        ended.push(Promise.allSettled([dialing?.then((conn) => conn.destroy())]));
      }
      await clock.advance(waitMs);
      if (abort) for (const controller of controllers) controller.abort();
      if (abort) controllers = [];
    }
    await clock.advance(1000);
    await Promise.all(ended);
    total.retries += again;
    assert.equal(clock.pending, 0);
    assert.equal(granted.size, again, "every granted retry was made or refunded");
    assert.equal(real.stats().retries, again);
    assert.equal(real.stats().firstAttempts, ended.length);
  };

  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 400, maxLength: 420, size: "max" }), play), {
    numRuns: 25,
    endOnFailure: true,
  });
  assert.ok(total.steps >= 10_000 && Math.min(total.retries, total.spent, total.refunds) > 100, JSON.stringify(total));
});

describe("withRetry budget option", () => {
  for (const [budget, message] of [
    [5, "withRetry: budget must be a retry budget, as returned by retryBudget(), got 5"],
    [null, "withRetry: budget must be a retry budget, as returned by retryBudget(), got null"],
    [{ deposit() {} }, "withRetry: budget.withdraw must be a function, got undefined"],
  ] as const) {
    test(`withRetry refuses a budget at construction: ${message}`, () =>
      assert.throws(() => withRetry({ budget: budget as never }), { name: "TypeError", message }));
  }
});
