import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Place, Queue } from "../../src/core/queue.ts";

test("what came first leaves first", () => {
  const queue = new Queue<string>();
  assert.equal(queue.shift(), undefined);
  for (const each of ["a", "b", "c"]) queue.push(each);
  assert.equal(queue.first, "a");
  assert.deepEqual([queue.shift(), queue.shift(), queue.shift(), queue.shift()], ["a", "b", "c", undefined]);
  assert.equal(queue.size, 0);
});

test("a place is good for one removal, and not after its item has left, nor in another queue", () => {
  const queue = new Queue<string>();
  const [a, b] = [queue.push("a"), queue.push("b")];
  assert.equal(new Queue<string>().remove(a), false);
  assert.equal(queue.remove(b), true);
  assert.equal(queue.remove(b), false);
  assert.equal(queue.shift(), "a");
  assert.equal(queue.remove(a), false);
  assert.equal(queue.size, 0);
});

test("what has left holds on to nothing that stood around it", () => {
  const queue = new Queue<string>();
  const places = ["a", "b", "c"].map((each) => queue.push(each));
  queue.remove(places[1] as Place<string>);
  assert.deepEqual(
    Object.entries(places[1] as object).filter(([, value]) => value !== undefined),
    [["item", "b"]],
  );
});

test("at random, it is what an array is", () => {
  const step = fc.record({ act: fc.constantFrom("push", "push", "push", "shift", "remove"), at: fc.nat() });
  let steps = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 200, maxLength: 400, size: "max" }), (plan) => {
      const queue = new Queue<number>();
      const model: Place<number>[] = [];
      const gone: Place<number>[] = [];
      for (const [index, { act, at }] of plan.entries()) {
        steps += 1;
        if (act === "push") model.push(queue.push(index));
        else if (act === "shift") assert.equal(queue.shift(), model.shift()?.item);
        else {
          const place = at % 5 === 0 ? gone[at % (gone.length || 1)] : model[at % (model.length || 1)];
          if (place === undefined) continue;
          const here = model.indexOf(place);
          assert.equal(queue.remove(place), here >= 0);
          if (here >= 0) gone.push(...model.splice(here, 1));
        }
        assert.equal(queue.size, model.length);
        assert.equal(queue.first, model[0]?.item);
      }
      assert.deepEqual(
        Array.from({ length: queue.size }, () => queue.shift()),
        model.map(({ item }) => item),
      );
    }),
    { numRuns: 50 },
  );
  assert.ok(steps >= 10_000, `${steps} steps`);
});
