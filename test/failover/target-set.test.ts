import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseList } from "../../src/failover/discovery/source.ts";
import { TargetSet } from "../../src/failover/target-set.ts";
import type { Endpoint } from "../../src/failover/target-status.ts";
import { parseTarget, type TargetList } from "../../src/index.ts";

const settings = { ejectAfter: 3, ejectionMs: 1000, maxEjectionMs: 5000, minShare: 0.5 };

function targetSet(list: TargetList, changes: Partial<typeof settings> = {}) {
  const made = new TargetSet({ ...settings, ...changes }, 10_000);
  const set = (next: TargetList, now: number) => made.setList(parseList("list", next), now);
  set(list, 0);
  const find = (name: string) => made.find(parseTarget(`${name}:1`).toString()) as Endpoint;
  const fail = (name: string, times: number, now: number) => {
    for (let time = 0; time < times; time += 1) made.failed(find(name), now, false);
  };
  const usable = (now: number) =>
    made.levels(now).map(({ endpoints }) => endpoints.map(({ key }) => key.slice(0, -2)).join(""));
  return { made, set, find, fail, usable };
}

const four = ["a:1", "b:1", "c:1", "d:1"];

describe("ejection", () => {
  test("a target is ejected after ejectAfter consecutive failures, for ejectionMs", () => {
    const { made, fail, find, usable } = targetSet(four);
    fail("a", 2, 0);
    assert.deepEqual(usable(0), ["abcd"]);
    made.succeeded(find("a"), 0, false);
    fail("a", 2, 0);
    assert.deepEqual(usable(0), ["abcd"]);
    fail("a", 1, 0);
    assert.deepEqual(usable(0), ["bcd"]);
    assert.deepEqual(usable(999), ["bcd"]);
    assert.deepEqual(usable(1000), ["abcd"]);
  });

  test("ejections double up to maxEjectionMs with each further failure, and restart after a success", () => {
    const { made, fail, find } = targetSet(four);
    let now = 0;
    const lengths: number[] = [];
    fail("a", 2, now);
    for (let time = 0; time < 5; time += 1) {
      fail("a", 1, now);
      const ms = made.statuses(now)[0]?.ejectedForMs ?? 0;
      lengths.push(ms);
      now += ms;
      assert.equal(made.statuses(now)[0]?.ejected, false);
    }
    assert.deepEqual(lengths, [1000, 2000, 4000, 5000, 5000]);
    made.succeeded(find("a"), now, false);
    fail("a", 2, now);
    assert.equal(made.statuses(now)[0]?.ejected, false);
    fail("a", 1, now);
    assert.equal(made.statuses(now)[0]?.ejectedForMs, 1000);
  });

  test("a success ends an ejection immediately", () => {
    const { made, fail, find, usable } = targetSet(four);
    fail("a", 3, 0);
    assert.deepEqual(usable(10), ["bcd"]);
    made.succeeded(find("a"), 10, false);
    assert.deepEqual(usable(10), ["abcd"]);
    assert.equal(made.statuses(10)[0]?.failures, 0);
  });

  test("failures of dials in progress do not extend an ejection", () => {
    const { made, fail } = targetSet(four);
    fail("a", 3, 0);
    fail("a", 5, 500);
    assert.equal(made.statuses(500)[0]?.ejectedForMs, 500);
    assert.equal(made.statuses(500)[0]?.failures, 8);
  });

  for (const [count, minShare, most] of [
    [1, 0.5, 0],
    [2, 0.5, 1],
    [3, 0.5, 1],
    [10, 0.9, 1],
    [100, 0.55, 45],
    [4, 0, 4],
    [4, 1, 0],
  ] as const) {
    test(`minShare ${minShare} permits ${most} ejections of ${count} targets`, () => {
      const names = Array.from({ length: count }, (_, index) => `t${index}`);
      const { made, fail } = targetSet(
        names.map((name) => `${name}:1`),
        { minShare },
      );
      for (const name of names) fail(name, 5, 0);
      assert.equal(made.statuses(0).filter(({ ejected }) => ejected).length, most);
    });
  }

  test("a target beyond minShare is ejected at its next failure after another ejection ended", () => {
    const { fail, usable } = targetSet(four);
    fail("a", 3, 0);
    fail("b", 3, 100);
    fail("c", 3, 200);
    assert.deepEqual(usable(200), ["cd"]);
    fail("c", 1, 999);
    assert.deepEqual(usable(999), ["cd"]);
    fail("c", 1, 1000);
    assert.deepEqual(usable(1000), ["ad"]);
  });

  test("all targets are available when all are ejected", () => {
    const { fail, usable } = targetSet(["a:1", "b:1"], { minShare: 0 });
    fail("a", 3, 0);
    fail("b", 3, 500);
    assert.deepEqual(usable(500), ["ab"]);
    assert.deepEqual(usable(1000), ["a"]);
    assert.deepEqual(usable(1500), ["ab"]);
  });

  test("ejectAfter Infinity ejects no target", () => {
    const { fail, usable } = targetSet(four, { ejectAfter: Number.POSITIVE_INFINITY });
    fail("a", 1000, 0);
    assert.deepEqual(usable(0), ["abcd"]);
  });
});

describe("failures reported by mark", () => {
  test("failures reported by mark are not reset by a successful dial", () => {
    const { made, find, usable } = targetSet(four);
    for (let time = 0; time < 3; time += 1) {
      assert.deepEqual(usable(0), ["abcd"]);
      made.succeeded(find("a"), 0, false);
      made.failed(find("a"), 0, true);
    }
    assert.deepEqual(usable(0), ["bcd"]);
    made.succeeded(find("a"), 0, false);
    assert.deepEqual(usable(0), ["bcd"]);
    made.succeeded(find("a"), 0, true);
    assert.deepEqual(usable(0), ["abcd"]);
  });

  test("a success reported by mark also resets failed dials", () => {
    const { made, find, fail, usable } = targetSet(four);
    fail("a", 3, 0);
    made.succeeded(find("a"), 0, true);
    assert.deepEqual(usable(0), ["abcd"]);
  });
});

describe("target lists", () => {
  test("a target list is ordered by priority, and a repeated target counts once, at its first position", () => {
    const { usable } = targetSet([
      { target: "c:1", priority: 10 },
      { target: { host: "a", port: 1 }, priority: 1 },
      new URL("nats://b:1"),
      "d:1",
      { target: "a:1", priority: 99 },
    ]);
    assert.deepEqual(usable(0), ["bd", "a", "c"]);
  });

  test("the next priority is used when all targets of the best one are ejected", () => {
    const { fail, usable } = targetSet(["a:1", { target: "b:1", priority: 1 }, { target: "c:1", priority: 1 }]);
    fail("a", 3, 0);
    assert.deepEqual(usable(0), ["bc"]);
    assert.deepEqual(usable(1000), ["a", "bc"]);
  });

  test("a shrinking list ends surplus ejections, those with the least time left first", () => {
    const { fail, set, usable } = targetSet(four);
    fail("a", 3, 100);
    fail("b", 3, 0);
    set(["a:1", "b:1", "c:1"], 200);
    assert.deepEqual(usable(200), ["bc"]);
    set(["a:1"], 300);
    assert.deepEqual(usable(300), ["a"]);
  });

  test("a target that left the list is forgotten unless it has connections or is ejected", () => {
    const { made, fail, find, set, usable } = targetSet(four);
    fail("a", 2, 0);
    fail("b", 2, 0);
    find("b").open = 1;
    fail("c", 3, 0);
    set(["d:1"], 10);
    assert.equal(find("a"), undefined);
    assert.equal(made.statuses(10).length, 1);
    made.failed(find("b"), 10, false);
    set(four, 20);
    assert.deepEqual(usable(20), ["abd"]);
    assert.deepEqual(
      made.statuses(20).map(({ failures }) => failures),
      [0, 3, 3, 0],
    );
    find("b").open = 0;
    set(["d:1"], 30);
    assert.equal(find("b"), undefined);
    set(["d:1"], 5000);
    assert.equal(find("c"), undefined);
  });
});

describe("malformed target lists", () => {
  for (const [list, name, message] of [
    ["a:1", "TypeError", 'here must be an array of targets, got "a:1"'],
    [["a"], "TypeError", 'here: invalid target "a": the port is missing'],
    [[null], "TypeError", /^here: invalid target/],
    [[{ target: "a:1", weight: -1 }], "RangeError", "here: weight must be a number of at least 0, got -1"],
    [[{ target: "a:1", priority: Number.NaN }], "RangeError", "here: priority must be a number, got NaN"],
  ] as const) {
    test(`a target list is rejected: ${message}`, () => {
      assert.throws(() => parseList("here", list), { name, message } as never);
    });
  }
});
