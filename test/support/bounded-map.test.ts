import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedMap } from "../../src/support/bounded-map.ts";

test("a BoundedMap drops the entry that was set longest ago", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  map.set("c", 4);
  assert.equal(map.size, 2);
  assert.equal(map.get("b"), undefined);
  assert.deepEqual([...map.values()], [3, 4]);
  map.delete("a");
  assert.equal(map.get("a"), undefined);
});
