import assert from "node:assert/strict";
import { test } from "node:test";
import { callEach, ObserverList } from "../../src/core/observer-list.ts";

interface Hooks {
  seen?(info: number): void;
}

const listOf = () => new ObserverList<Hooks, string>("client", ["seen"]);

test("ObserverList calls hooks on the object that was given, which may have private fields", () => {
  class Counter implements Hooks {
    #sum = 0;
    get sum(): number {
      return this.#sum;
    }
    seen(info: number): void {
      this.#sum += info;
    }
  }
  const counter = new Counter();
  const list = listOf();
  list.add(counter, "a");
  list.emit("seen", 2);
  assert.equal(counter.sum, 2);
});

test("ObserverList keeps hooks given twice as two observations, each removed alone", () => {
  const calls: number[] = [];
  const hooks: Hooks = { seen: (info) => calls.push(info) };
  const list = listOf();
  const first = list.add(hooks, "a");
  list.add(hooks, "a");
  list.emit("seen", 1);
  assert.equal(list.remove(first).length, 1);
  assert.equal(list.remove(first).length, 0);
  list.emit("seen", 2);
  assert.deepEqual(calls, [1, 1, 2]);
});

test("ObserverList calls observers with the subject, and skips observers that return nothing", () => {
  const list = listOf();
  const subjects: string[] = [];
  const added = list.add(
    [(subject) => void subjects.push(subject), () => ({ seen: () => subjects.push("seen") })],
    "a",
  );
  assert.equal(added.length, 1);
  callEach(added, "seen", 1);
  assert.deepEqual(subjects, ["a", "seen"]);
});
