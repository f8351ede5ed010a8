import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { Cancel } from "../../src/async/cancel.ts";
import { systemClock } from "../../src/async/clock.ts";
import { sleep } from "../../src/async/sleep.ts";
import { fakeClock } from "../../src/testing.ts";

test("sleep resolves after its duration, not earlier", async () => {
  const clock = fakeClock();
  let woke = false;
  const sleeping = sleep(100, clock, undefined).then(() => {
    woke = true;
  });
  await clock.advance(99);
  assert.equal(woke, false);
  await clock.advance(1);
  await sleeping;
  assert.equal(woke, true);
});

test("sleep rejects immediately with the reason of an abort and clears the timer", async () => {
  const clock = fakeClock();
  const cancel = new Cancel();
  const sleeping = sleep(100, clock, cancel);
  assert.equal(clock.pending, 1);
  cancel.abort("why");
  assert.equal(clock.pending, 0);
  await assert.rejects(sleeping, (error) => error === "why");
});

test("sleep sets no timer if already aborted", async () => {
  const clock = fakeClock();
  const cancel = new Cancel();
  cancel.abort("why");
  await assert.rejects(sleep(100, clock, cancel), (error) => error === "why");
  assert.equal(clock.pending, 0);
});

test("sleep leaves no listener", async () => {
  const clock = fakeClock();
  const { signal } = new AbortController();
  const sleeping = sleep(100, clock, new Cancel(signal));
  assert.equal(getEventListeners(signal, "abort").length, 1);
  await clock.advance(100);
  await sleeping;
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("sleep leaves no listener when the clock cannot start a timer", async () => {
  const { signal } = new AbortController();
  const clock = {
    ...fakeClock(),
    setTimeout() {
      throw new Error("no timers");
    },
  };
  await assert.rejects(sleep(100, clock, new Cancel(signal)), /no timers/);
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("the system clock advances, and its timers fire and can be cleared", async () => {
  const before = systemClock.now();
  const fired: string[] = [];
  systemClock.clearTimeout(systemClock.setTimeout(() => fired.push("cleared"), 1));
  await new Promise<void>((resolve) => systemClock.setTimeout(resolve, 2));
  assert.ok(systemClock.now() > before);
  assert.deepEqual(fired, []);
});
