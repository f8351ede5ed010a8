import assert from "node:assert/strict";
import { test } from "node:test";
import { EventQueue } from "../bench/storm/event-queue.js";
import { seededRandom } from "../support/random.ts";

test("EventQueue pops events in order of time", () => {
  const random = seededRandom(1);
  const queue = new EventQueue(500);
  const model: { at: number; value: number }[] = [];
  for (let step = 0; step < 20_000; step += 1) {
    if (model.length < 500 && random() < 0.5) {
      const event = { at: random(), value: step };
      queue.push(event.at, event.value);
      model.push(event);
    } else if (model.length > 0) {
      model.sort((a, b) => a.at - b.at);
      const first = model.shift();
      assert.equal(queue.nextAt, first?.at);
      assert.equal(queue.pop(), first?.value);
    }
    assert.equal(queue.size, model.length);
  }
});

test("EventQueue throws on push when full and on pop when empty", () => {
  const queue = new EventQueue(1);
  assert.equal(queue.nextAt, Number.POSITIVE_INFINITY);
  assert.throws(() => queue.pop(), /empty/);
  queue.push(1, 1);
  assert.throws(() => queue.push(2, 2), /full/);
});
