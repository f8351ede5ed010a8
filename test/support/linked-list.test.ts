import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Linked, LinkedList } from "../../src/support/linked-list.ts";

interface Item extends Linked<Item> {
  readonly name: string;
}

const item = (name: string): Item => ({ name, next: undefined, prev: undefined, list: undefined });
const names = (items: Iterable<Item>) => [...items].map(({ name }) => name);

test("a LinkedList removes items in the order of insertion", () => {
  const list = new LinkedList<Item>();
  assert.equal(list.shift(), undefined);
  for (const each of ["a", "b", "c"]) list.add(item(each));
  assert.deepEqual([list.oldest?.name, list.newest?.name], ["a", "c"]);
  assert.deepEqual(names(list), ["a", "b", "c"]);
  assert.deepEqual(names(list.newestFirst()), ["c", "b", "a"]);
  assert.deepEqual(
    [list.shift()?.name, list.shift()?.name, list.shift()?.name, list.shift()],
    ["a", "b", "c", undefined],
  );
  assert.equal(list.size, 0);
});

test("a LinkedList removes an item only once and only if it holds the item", () => {
  const list = new LinkedList<Item>();
  const [a, b] = [item("a"), item("b")];
  list.add(a);
  list.add(b);
  assert.equal(new LinkedList<Item>().remove(a), false);
  assert.equal(list.remove(b), true);
  assert.equal(list.remove(b), false);
  assert.equal(list.shift(), a);
  assert.equal(list.remove(a), false);
  assert.equal(list.size, 0);
});

test("an item removed from a LinkedList references no neighbors and can be added again", () => {
  const list = new LinkedList<Item>();
  const items = ["a", "b", "c"].map(item);
  for (const each of items) list.add(each);
  const [, b = item("")] = items;
  list.remove(b);
  assert.deepEqual(b, item("b"));
  list.add(b);
  assert.deepEqual(names(list), ["a", "c", "b"]);
});

test("a LinkedList behaves like an array in random sequences of operations", () => {
  const step = fc.record({ act: fc.constantFrom("add", "add", "add", "shift", "remove"), at: fc.nat() });
  let steps = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 200, maxLength: 400, size: "max" }), (plan) => {
      const list = new LinkedList<Item>();
      const model: Item[] = [];
      const gone: Item[] = [];
      for (const [index, { act, at }] of plan.entries()) {
        steps += 1;
        if (act === "add") {
          const added = item(String(index));
          model.push(added);
          list.add(added);
        } else if (act === "shift") assert.equal(list.shift(), model.shift());
        else {
          const one = at % 5 === 0 ? gone[at % (gone.length || 1)] : model[at % (model.length || 1)];
          if (one === undefined) continue;
          const here = model.indexOf(one);
          assert.equal(list.remove(one), here >= 0);
          if (here >= 0) gone.push(...model.splice(here, 1));
        }
        assert.equal(list.size, model.length);
        assert.deepEqual([list.oldest, list.newest], [model[0], model.at(-1)]);
      }
      assert.deepEqual(names(list), names(model));
      assert.deepEqual(names(list.newestFirst()), names(model).reverse());
    }),
    { numRuns: 50 },
  );
  assert.ok(steps >= 10_000, `${steps} steps`);
});
