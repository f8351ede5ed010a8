import assert from "node:assert/strict";
import { test } from "node:test";
import { ordered } from "../../../src/failover/discovery/rfc2782.ts";
import { growth } from "../../support/growth.ts";
import { seededRandom } from "../../support/random.ts";

const record = (name: string, priority: number, weight: number) => ({ name, priority, weight, port: 1 });
const names = (records: readonly { name: string }[]) => records.map(({ name }) => name).join("");

test("SRV records of a lower priority number come first, whatever their weights", () => {
  const records = [record("c", 20, 60_000), record("a", 0, 1), record("b", 10, 0)];
  const random = seededRandom(1);
  for (let round = 0; round < 100; round += 1) assert.equal(names(ordered(records, random)), "abc");
});

test("an SRV record comes first within its priority in proportion to its weight", () => {
  const records = [record("a", 0, 60), record("b", 0, 30), record("c", 0, 10)];
  const random = seededRandom(2);
  const first: Record<string, number> = { a: 0, b: 0, c: 0 };
  for (let round = 0; round < 10_000; round += 1) {
    const order = ordered(records, random);
    assert.equal(order.length, 3);
    first[names(order.slice(0, 1))] = (first[names(order.slice(0, 1))] ?? 0) + 1;
  }
  assert.ok(Math.abs((first.a ?? 0) - 6000) < 200, `a ${first.a}`);
  assert.ok(Math.abs((first.b ?? 0) - 3000) < 200, `b ${first.b}`);
  assert.ok(Math.abs((first.c ?? 0) - 1000) < 200, `c ${first.c}`);
});

test("an SRV record of weight 0 has a small chance, and the limits of the random range lose no record", () => {
  const records = [record("z", 0, 0), record("a", 0, 9)];
  assert.equal(names(ordered(records, () => 0)), "za");
  assert.equal(names(ordered(records, () => 1 - 2 ** -53)), "az");
  assert.equal(names(ordered([record("x", 0, 0), record("y", 0, 0)], () => 0.99)), "xy");
  assert.deepEqual(
    ordered([], () => 0),
    [],
  );
});

test("10,000 SRV records are ordered in far less than quadratic time", () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => record(`${index} `, index % 3, index % 100));
  const ratio = growth((count) => ordered(many(count), seededRandom(3)), 400, 10_000);
  // Quadratic time would be 625 times as long.
  assert.ok(ratio < 125, `${ratio} times as long for 25 times as many`);
  const records = many(10_000);
  const order = ordered(records, seededRandom(3));
  assert.equal(new Set(order).size, records.length);
  assert.ok(order.every(({ priority }, index) => priority >= (order[index - 1]?.priority ?? 0)));
});

test("the order of SRV records equals that of RFC 2782's algorithm", () => {
  /** The algorithm exactly as RFC 2782 describes it. */
  const byHand = (records: readonly ReturnType<typeof record>[], random: () => number) => {
    const left = [...records].sort((a, b) => a.weight - b.weight);
    const order: typeof left = [];
    while (left.length > 0) {
      let drawn = Math.floor(random() * (left.reduce((sum, { weight }) => sum + weight, 0) + 1));
      const index = left.findIndex(({ weight }) => {
        drawn -= weight;
        return drawn <= 0;
      });
      order.push(...left.splice(index, 1));
    }
    return order;
  };
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = seededRandom(seed);
    const records = Array.from({ length: 1 + (seed % 17) }, (_, index) =>
      record(`${index} `, 0, Math.floor(random() * 4) * (seed % 5)),
    );
    assert.equal(names(ordered(records, seededRandom(seed))), names(byHand(records, seededRandom(seed))), `${seed}`);
  }
});
