import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { Cancel } from "../../src/async/cancel.ts";
import type { Clock } from "../../src/async/clock.ts";
import { type Waiting, WaitQueue } from "../../src/async/wait-queue.ts";
import { fakeClock } from "../../src/testing.ts";

interface Waiter extends Waiting<Waiter> {
  readonly name: string;
}

/** A queue whose waits time out after 100 ms, and a record of what became of its waiters. */
function setting(timeoutMs = 100) {
  const clock = fakeClock();
  const events: string[] = [];
  const queue = new WaitQueue<Waiter>({
    timeoutMs,
    onTimeout(waiter, lateByMs) {
      events.push(`${waiter.name} timed out${lateByMs > 0 ? " late" : ""}`);
      queue.remove(waiter);
    },
  });
  const join = (name: string, cancel?: Cancel, by: Clock = clock) => {
    const onAbort = () => {
      events.push(`${name} aborted`);
      queue.remove(waiter);
    };
    const links = { next: undefined, prev: undefined, list: undefined };
    const waiter: Waiter = { name, cancel, clock: by, since: clock.now(), onAbort, ...links };
    queue.add(waiter);
    return waiter;
  };
  return { clock, events, queue, join };
}

test("a wait queue expires each waiter at its own time with one timer", async () => {
  const { clock, events, queue, join } = setting();
  join("a");
  await clock.advance(30);
  join("b");
  join("c");
  assert.equal(clock.pending, 1);
  await clock.advance(69);
  assert.deepEqual(events, []);
  await clock.advance(1);
  assert.deepEqual(events, ["a timed out"]);
  await clock.advance(30);
  assert.deepEqual(events, ["a timed out", "b timed out", "c timed out"]);
  assert.deepEqual([queue.size, clock.pending], [0, 0]);
});

test("a wait queue expires the second waiter on time after the first was served", async () => {
  const { clock, events, queue, join } = setting();
  join("a");
  await clock.advance(30);
  join("b");
  assert.equal(queue.shift()?.name, "a");
  await clock.advance(99);
  assert.deepEqual(events, []);
  await clock.advance(1);
  assert.deepEqual(events, ["b timed out"]);
  assert.equal(clock.pending, 0);
});

test("a wait queue starts no timer when its timeout is Infinity", () => {
  const { clock, queue, join } = setting(Number.POSITIVE_INFINITY);
  const waiter = join("a");
  assert.deepEqual([clock.pending, queue.size], [0, 1]);
  queue.remove(waiter);
  assert.equal(queue.size, 0);
});

test("a waiter that joins a wait queue while another expires gets its own timeout", async () => {
  const clock = fakeClock();
  const expired: number[] = [];
  const newWaiter = (): Waiter => ({
    name: "each",
    cancel: undefined,
    clock,
    since: clock.now(),
    onAbort() {},
    next: undefined,
    prev: undefined,
    list: undefined,
  });
  const queue = new WaitQueue<Waiter>({
    timeoutMs: 100,
    onTimeout(waiter) {
      expired.push(clock.now());
      queue.remove(waiter);
      if (expired.length < 3) queue.add(newWaiter());
    },
  });
  queue.add(newWaiter());
  await clock.advance(1000);
  assert.deepEqual(expired, [100, 200, 300]);
  assert.equal(clock.pending, 0);
});

test("an abort removes a waiter from a wait queue, and the timer with the last one", () => {
  const { clock, events, queue, join } = setting();
  const controller = new AbortController();
  const cancel = Cancel.of(controller.signal);
  join("a", cancel);
  join("b", cancel);
  join("c");
  controller.abort();
  assert.deepEqual(events, ["b aborted", "a aborted"]);
  assert.deepEqual([queue.size, queue.first?.name, clock.pending], [1, "c", 1]);
  queue.shift();
  assert.equal(clock.pending, 0);
});

test("a waiter that leaves a wait queue leaves no listener", () => {
  const { queue, join } = setting();
  const controller = new AbortController();
  const cancel = Cancel.of(controller.signal);
  join("a", cancel);
  const second = join("b", cancel);
  assert.equal(getEventListeners(controller.signal, "abort").length, 1);
  queue.remove(second);
  queue.shift();
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
});

test("a waiter whose cancel is already aborted does not stay in a wait queue", () => {
  const { clock, events, queue, join } = setting();
  const cancel = new Cancel();
  cancel.abort("enough");
  join("a", cancel);
  assert.deepEqual(events, ["a aborted"]);
  assert.deepEqual([queue.size, clock.pending], [0, 0]);
});

test("a waiter whose clock throws does not stay in a wait queue, and leaves no listener", () => {
  const { clock, queue, join } = setting();
  const controller = new AbortController();
  const broken: Clock = {
    ...clock,
    setTimeout() {
      throw new Error("no timers");
    },
  };
  assert.throws(() => join("a", Cancel.of(controller.signal), broken), /^Error: no timers$/);
  assert.equal(queue.size, 0);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
});
