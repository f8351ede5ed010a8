import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { Cancel } from "../../src/async/cancel.ts";
import type { DialContext } from "../../src/engine/context.ts";
import { chainOf } from "../../src/engine/hook-chain.ts";
import { LimitQueue } from "../../src/engine/limit-queue.ts";
import { DialError, type LimitWaitInfo, parseTarget } from "../../src/index.ts";
import { fakeClock } from "../../src/testing.ts";

const target = parseTarget("h:1");

function setting() {
  const clock = fakeClock();
  const controller = new AbortController();
  const waits: LimitWaitInfo[] = [];
  const trace = chainOf({ limitWait: (info) => void waits.push(info) });
  const context = { clock, cancel: new Cancel(controller.signal), trace } as unknown as DialContext<never>;
  return { clock, controller, waits, context, line: new LimitQueue("rate") };
}

test("an admitted waiter resolves, and its wait is reported to the hooks", async () => {
  const { line, context, clock, waits, controller } = setting();
  const waiting = line.wait(target, context);
  assert.equal(line.size, 1);
  await clock.advance(30);
  line.shift()?.admit();
  await waiting;
  assert.deepEqual(waits, [{ target, limit: "rate", durationMs: 30, outcome: "success" }]);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
});

test("a refused waiter rejects with the error, which is reported to the hooks", async () => {
  const { line, context, waits, controller } = setting();
  const waiting = line.wait(target, context);
  const error = new DialError("full", { reason: "pool_exhausted" });
  line.shift()?.refuse(error);
  await assert.rejects(waiting, (thrown) => thrown === error);
  assert.deepEqual(waits, [
    { target, limit: "rate", durationMs: 0, outcome: "failure", error, reason: "pool_exhausted" },
  ]);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
});

test("an abort removes the waiter from the queue, but does not affect an admitted waiter", async () => {
  const { line, context, controller } = setting();
  const first = line.wait(target, context);
  const second = line.wait(target, context);
  line.shift()?.admit();
  controller.abort("enough");
  await first;
  await assert.rejects(second, (thrown) => thrown === "enough");
  assert.equal(line.size, 0);
  assert.equal(line.first, undefined);
});

test("a waiter whose signal is already aborted never enters the queue", async () => {
  const { line, context, controller } = setting();
  controller.abort("enough");
  await assert.rejects(line.wait(target, context), (thrown) => thrown === "enough");
  assert.equal(line.size, 0);
});

test("wakeIn sets one timer for any number of calls and clears it when the queue is empty", async () => {
  const { line, context, clock, controller } = setting();
  const waiting = assert.rejects(line.wait(target, context));
  let woken = 0;
  const wake = () => {
    woken += 1;
  };
  line.wakeIn(9.5, clock, wake);
  line.wakeIn(5, clock, wake);
  assert.equal(clock.pending, 1);
  await clock.advance(10);
  assert.equal(woken, 1);
  line.wakeIn(10, clock, wake);
  controller.abort();
  await waiting;
  assert.equal(clock.pending, 0);
});
