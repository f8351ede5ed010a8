import assert from "node:assert/strict";
import { test } from "node:test";
import { BackgroundTimer } from "../../src/async/background-timer.ts";
import { checkedClock, givenClock } from "../../src/async/checked-clock.ts";
import { type Clock, systemClock } from "../../src/async/clock.ts";
import { fakeClock } from "../../src/testing.ts";

test("checkedClock returns the system's clock as it is, and one clock for each user's clock", () => {
  const clock = fakeClock();
  assert.equal(checkedClock("clock", systemClock), systemClock);
  const checked = checkedClock("clock", clock);
  assert.equal(checkedClock("clock", clock), checked);
  assert.equal(checkedClock("clock", checked), checked);
  assert.equal(givenClock(checked), clock);
  assert.equal(givenClock(systemClock), systemClock);
});

test("a checked clock that fails goes on from its last time, and follows the clock again when it works", async () => {
  let time: () => unknown = () => 1_000;
  const clock: Clock = { ...systemClock, now: () => time() as number };
  const checked = checkedClock("clock", clock);
  for (const wrong of [
    () => assert.fail("no time"),
    () => Number.NaN,
    () => Promise.reject(new Error("later")),
    () => "5",
  ]) {
    time = wrong;
    const before = checked.now();
    await new Promise((resolve) => setTimeout(resolve, 3));
    const elapsed = checked.now() - before;
    // The upper limits are generous: the process may have been paused.
    assert.ok(before >= 1_000 && before < 60_000, String(before));
    assert.ok(elapsed > 1 && elapsed < 60_000, String(elapsed));
  }
  time = () => 5_000;
  assert.equal(checked.now(), 5_000);
});

test("a background timer fires, and can be cleared, when its clock cannot start it", async () => {
  const broken: Clock = {
    ...systemClock,
    setTimeout() {
      throw new Error("no timer");
    },
  };
  const cleared = new BackgroundTimer(broken, () => assert.fail("the timer was cleared"), 1);
  cleared.clear();
  await new Promise<void>((resolve) => {
    new BackgroundTimer(broken, resolve, 1);
    // A background timer does not keep the process alive.
    setTimeout(() => {}, 100);
  });
});
