import assert from "node:assert/strict";
import { test } from "node:test";
import { compose, withTimeout } from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";

test("fakeClock does not move until it is advanced", async () => {
  const clock = fakeClock();
  assert.equal(clock.now(), 0);
  await clock.advance(5);
  await clock.advance(0.5);
  assert.equal(clock.now(), 5.5);
});

test("fakeClock fires timers in order of time and creation, each at its own time", async () => {
  const clock = fakeClock();
  const fired: string[] = [];
  for (const [name, ms] of [
    ["c", 30],
    ["a", 10],
    ["b", 20],
    ["b2", 20],
    ["d", 31],
  ] as const) {
    clock.setTimeout(() => fired.push(`${name} at ${clock.now()}`), ms);
  }
  await clock.advance(30);
  assert.deepEqual(fired, ["a at 10", "b at 20", "b2 at 20", "c at 30"]);
  assert.equal(clock.pending, 1);
});

test("fakeClock neither fires nor counts a cleared timer", async () => {
  const clock = fakeClock();
  const timer = clock.setTimeout(() => assert.fail("must not fire"), 10);
  assert.equal(clock.pending, 1);
  clock.clearTimeout(timer);
  clock.clearTimeout(timer);
  assert.equal(clock.pending, 0);
  await clock.advance(100);
});

test("fakeClock fires timers that are set and become due during an advance", async () => {
  const clock = fakeClock();
  const fired: number[] = [];
  const tick = () => {
    fired.push(clock.now());
    clock.setTimeout(tick, 10);
  };
  clock.setTimeout(tick, 10);
  await clock.advance(35);
  assert.deepEqual(fired, [10, 20, 30]);
  assert.equal(clock.now(), 35);
});

test("fakeClock processes settled promises before the next timer fires", async () => {
  const clock = fakeClock();
  const said: string[] = [];
  const sleep = (ms: number) => new Promise<void>((resolve) => clock.setTimeout(resolve, ms));
  const work = async () => {
    await sleep(10);
    await Promise.resolve();
    said.push("settled");
  };
  const working = work();
  clock.setTimeout(() => said.push("next"), 10);
  await clock.advance(10);
  await working;
  assert.deepEqual(said, ["settled", "next"]);
});

test("the layer of fakeClock passes the clock to everything beneath", async () => {
  const clock = fakeClock();
  const dial = compose(clock.layer, withTimeout({ timeoutMs: 3_600_000 }), scriptedDialer(["hang"]));
  const dialing = assert.rejects(dial("h:1"), { name: "DialTimeoutError" });
  await clock.advance(3_600_000);
  await dialing;
  assert.equal(clock.pending, 0);
});
