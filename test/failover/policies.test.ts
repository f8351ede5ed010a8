import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Picker } from "../../src/failover/picker.ts";
import { pickerOf, policyNames } from "../../src/failover/policy.ts";
import { type PriorityLevel, priorityLevelsOf } from "../../src/failover/priority-level.ts";
import { Endpoint } from "../../src/failover/target-status.ts";
import { type FailoverPolicy, parseTarget } from "../../src/index.ts";
import { connection } from "../support/contract.ts";
import { seededRandom } from "../support/random.ts";

const target = parseTarget("orders:1");

function endpoints(count: number, weightOf: (index: number) => number = () => 1): Endpoint[] {
  return Array.from({ length: count }, (_, index) => {
    const endpoint = new Endpoint(parseTarget(`t${index}:1`), 10_000);
    endpoint.weight = weightOf(index);
    return endpoint;
  });
}

function levelOf(list: readonly Endpoint[]): PriorityLevel {
  const [level] = priorityLevelsOf(list);
  assert.ok(level);
  return level;
}

/** Picks `rounds` times, and counts the picks of each target. */
function counted(pick: Picker, list: readonly Endpoint[], rounds: number, tried?: ReadonlySet<string>): number[] {
  const level = levelOf(list);
  const random = seededRandom(7);
  const counts = list.map(() => 0);
  for (let round = 0; round < rounds; round += 1) {
    const picked = pick(level, tried, { target, random, now: 0 });
    assert.ok(picked);
    counts[list.indexOf(picked)] = (counts[list.indexOf(picked)] ?? 0) + 1;
  }
  return counts;
}

function near(actual: readonly number[], expected: readonly number[], off: number): void {
  for (const [index, count] of actual.entries()) {
    assert.ok(Math.abs(count - (expected[index] ?? 0)) <= off, `${actual} is not near ${expected}`);
  }
}

test("the policy in_order picks the first target, and the next one when the first was attempted", () => {
  const list = endpoints(3);
  assert.deepEqual(counted(pickerOf("in_order"), list, 10), [10, 0, 0]);
  assert.deepEqual(counted(pickerOf("in_order"), list, 10, new Set(["t0:1"])), [0, 10, 0]);
});

test("the policy random picks targets equally often, or in proportion to their weights", () => {
  near(counted(pickerOf("random"), endpoints(4), 8000), [2000, 2000, 2000, 2000], 150);
  const weighted = endpoints(4, (index) => index);
  near(counted(pickerOf("random"), weighted, 6000), [10, 1000, 2000, 3000], 150);
  near(counted(pickerOf("random"), weighted, 6000, new Set(["t3:1"])), [20, 2000, 4000, 0], 150);
  const heavy = endpoints(3, (index) => (index === 0 ? 1e9 : 1));
  near(counted(pickerOf("random"), heavy, 1000, new Set(["t0:1"])), [0, 500, 500], 60);
});

test("the policy round_robin picks targets in turn from a random one, and skips attempted ones", () => {
  const list = endpoints(3);
  const level = levelOf(list);
  const pick = pickerOf("round_robin");
  const names = (count: number, tried?: ReadonlySet<string>) =>
    Array.from({ length: count }, () => pick(level, tried, { target, random: () => 0.5, now: 0 })?.key);
  assert.deepEqual(names(4), ["t1:1", "t2:1", "t0:1", "t1:1"]);
  assert.deepEqual(names(3, new Set(["t2:1"])), ["t0:1", "t1:1", "t0:1"]);
  assert.deepEqual(names(1), ["t1:1"]);
  assert.deepEqual(counted(pickerOf("round_robin"), list, 30), [10, 10, 10]);
});

describe("least_loaded", () => {
  const pick = pickerOf("least_loaded");

  test("least_loaded picks the most expensive target only when no other is left", () => {
    const list = endpoints(3);
    for (const [index, endpoint] of list.entries()) endpoint.latency.observe(10 * (index + 1), 0);
    const [first = 0, second = 0, third] = counted(pick, list, 3000);
    near([first, second], [2000, 1000], 100);
    assert.equal(third, 0);
    assert.deepEqual(counted(pick, list, 10, new Set(["t0:1", "t1:1"])), [0, 0, 10]);
  });

  test("least_loaded multiplies latency by open connections and dials in progress", () => {
    const [fast, slow] = endpoints(2) as [Endpoint, Endpoint];
    fast.latency.observe(10, 0);
    slow.latency.observe(25, 0);
    const [one, two] = [connection(), connection()];
    assert.deepEqual(counted(pick, [fast, slow], 10), [10, 0]);
    fast.opened(one);
    assert.deepEqual(counted(pick, [fast, slow], 10), [10, 0]);
    fast.dialing += 1;
    assert.deepEqual(counted(pick, [fast, slow], 10), [0, 10]);
    fast.dialing -= 1;
    fast.opened(two);
    assert.deepEqual(counted(pick, [fast, slow], 10), [0, 10]);
    one.destroy();
    two.destroy();
    assert.equal(fast.open, 0);
    assert.deepEqual(counted(pick, [fast, slow], 10), [10, 0]);
  });

  test("least_loaded compares load only when latencies are below a millisecond", () => {
    const [one, two] = endpoints(2) as [Endpoint, Endpoint];
    one.latency.observe(0.1, 0);
    two.latency.observe(0.9, 0);
    one.dialing = 1;
    assert.deepEqual(counted(pick, [one, two], 10), [0, 10]);
  });

  test("least_loaded gives a target of twice the weight twice the load", () => {
    const [one, two] = endpoints(2, (index) => index + 1) as [Endpoint, Endpoint];
    one.latency.observe(10, 0);
    two.latency.observe(10, 0);
    const level = levelOf([one, two]);
    const random = seededRandom(1);
    for (let dial = 0; dial < 300; dial += 1) {
      const picked = pick(level, undefined, { target, random, now: 0 });
      if (picked) picked.dialing += 1;
    }
    near([one.dialing, two.dialing], [100, 200], 1);
  });

  test("least_loaded gives an unmeasured target one dial, and no second one before the first has ended", () => {
    const [known, unknown] = endpoints(2) as [Endpoint, Endpoint];
    known.latency.observe(5000, 0);
    known.dialing = 100;
    assert.deepEqual(counted(pick, [known, unknown], 10), [0, 10]);
    unknown.dialing = 1;
    assert.deepEqual(counted(pick, [known, unknown], 10), [10, 0]);
  });
});

test("a policy function gets the targets that were not attempted, and must return one of them", () => {
  const list = endpoints(3);
  const level = levelOf(list);
  const seen: string[][] = [];
  const policy: FailoverPolicy = (candidates, context) => {
    assert.equal(context.target, target);
    seen.push(candidates.map((candidate) => String(candidate.target)));
    return candidates.at(-1) as never;
  };
  const context = { target, random: () => 0, now: 0 };
  assert.equal(pickerOf(policy)(level, undefined, context), list[2]);
  assert.equal(pickerOf(policy)(level, new Set(["t2:1"]), context), list[1]);
  assert.equal(pickerOf(policy)(level, new Set(["t0:1", "t1:1", "t2:1"]), context), undefined);
  assert.deepEqual(seen, [
    ["t0:1", "t1:1", "t2:1"],
    ["t0:1", "t1:1"],
  ]);
  for (const wrong of [undefined, "t0:1", new Endpoint(parseTarget("t0:1"), 1)]) {
    assert.throws(() => pickerOf(() => wrong as never)(level, undefined, context), {
      name: "TypeError",
      message: /^withFailover: policy must return one of the candidates, got /,
    });
  }
  assert.throws(() => pickerOf(() => list[0] as Endpoint)(level, new Set(["t0:1"]), context), TypeError);
});

for (const name of policyNames as Exclude<FailoverPolicy, () => unknown>[]) {
  test(`the policy ${name} finds the only target of 1,000 that was not attempted, and none when all were`, () => {
    const list = endpoints(1000, (index) => index % 3);
    const level = levelOf(list);
    const tried = new Set(list.map(({ key }) => key));
    const context = { target, random: seededRandom(3), now: 0 };
    tried.delete("t613:1");
    assert.equal(pickerOf(name)(level, tried, context)?.key, "t613:1");
    tried.add("t613:1");
    assert.equal(pickerOf(name)(level, tried, context), undefined);
  });
}
