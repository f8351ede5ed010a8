import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CircuitState, SamplingBreaker } from "cockatiel";
import fc from "fast-check";
import { SamplingStrategy } from "../../src/breaker/sampling.ts";
import { fakeClock } from "../../src/testing.ts";
import { seededRandom } from "../support/random.ts";

const { Closed, HalfOpen } = CircuitState;
const half = { threshold: 0.5, durationMs: 10_000, minimumRps: 1 };

/** A strategy on a fake clock. */
function on(rule = half) {
  const clock = fakeClock();
  const strategy = new SamplingStrategy(rule);
  return {
    clock,
    strategy,
    succeed: (count: number) => {
      for (let each = 0; each < count; each += 1) strategy.success(Closed, clock);
    },
    fail: (count: number) => Array.from({ length: count }, () => strategy.failure(Closed, clock)),
  };
}

describe("SamplingStrategy", () => {
  test("SamplingStrategy opens when more than its share of dials failed, not at the share itself", () => {
    const { succeed, fail } = on();
    succeed(10);
    assert.deepEqual(fail(11), [...Array(10).fill(false), true]);
  });

  test("SamplingStrategy stays closed below minimumRps", () => {
    const { fail } = on();
    assert.deepEqual(fail(10), [...Array(9).fill(false), true]);
    assert.deepEqual(on({ ...half, minimumRps: 0 }).fail(1), [true]);
  });

  test("SamplingStrategy counts the dials of its period only, even after a pause", async () => {
    const paused = on();
    paused.fail(9);
    await paused.clock.advance(9999);
    assert.deepEqual(paused.fail(1), [true]);

    const longer = on();
    longer.fail(9);
    await longer.clock.advance(12_000);
    assert.deepEqual(longer.fail(9), Array(9).fill(false));

    const steady = on();
    for (let second = 0; second < 60; second += 1) {
      assert.deepEqual(steady.fail(1), [second >= 9]);
      await steady.clock.advance(1000);
    }
  });

  test("SamplingStrategy restarts with a successful probe", () => {
    const { strategy, clock, fail, succeed } = on();
    fail(20);
    succeed(20);
    strategy.success(HalfOpen, clock);
    succeed(8);
    assert.deepEqual(fail(10), [...Array(9).fill(false), true]);
  });

  test("SamplingStrategy agrees with a list of all dials", () => {
    const step = fc.record({ failed: fc.boolean(), afterMs: fc.nat({ max: 3000 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
        let now = 0;
        const clock = { now: () => now, setTimeout: () => {}, clearTimeout: () => {} };
        const strategy = new SamplingStrategy(half);
        const seen: { window: number; failed: boolean }[] = [];
        for (const { failed, afterMs } of steps) {
          now += afterMs;
          const window = Math.floor(now / 1000);
          seen.push({ window, failed });
          if (!failed) {
            strategy.success(Closed, clock);
            continue;
          }
          const counted = seen.filter((each) => each.window > window - 10);
          const failures = counted.filter((each) => each.failed).length;
          assert.equal(strategy.failure(Closed, clock), counted.length >= 10 && failures > counted.length / 2);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("SamplingStrategy and cockatiel's SamplingBreaker", () => {
  const theirs = () => new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 1 });

  test("SamplingStrategy agrees with cockatiel's SamplingBreaker on steady dials", (context) => {
    context.mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
    const random = seededRandom(7);
    const clock = { now: () => Date.now(), setTimeout: () => {}, clearTimeout: () => {} };
    const [ours, their] = [new SamplingStrategy(half), theirs()];
    const said = { true: 0, false: 0 };
    for (let dial = 0; dial < 5000; dial += 1) {
      if (random() < 0.5) {
        ours.success(Closed, clock);
        their.success(Closed);
      } else {
        const opens = ours.failure(Closed, clock);
        assert.equal(opens, their.failure(Closed), `dial ${dial}`);
        said[`${opens}`] += 1;
      }
      context.mock.timers.tick(100);
    }
    assert.ok(said.true > 100 && said.false > 100, JSON.stringify(said));
  });

  test("SamplingStrategy forgets failures before a pause, which cockatiel's SamplingBreaker counts", async (context) => {
    context.mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
    const day = 24 * 60 * 60_000 + 4321;
    const [ours, their] = [on(), theirs()];
    ours.fail(9);
    for (let each = 0; each < 9; each += 1) their.failure(Closed);
    context.mock.timers.tick(day);
    await ours.clock.advance(day);
    assert.deepEqual(ours.fail(1), [false]);
    assert.equal(their.failure(Closed), true, "cockatiel now drops old windows: its SamplingBreaker could be used");
  });
});
