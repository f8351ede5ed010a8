import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { connect as stockConnect } from "@nats-io/transport-node";
import { ClientEvents } from "../../src/client/client-events.ts";
import type { ClientState } from "../../src/client/client-trace.ts";
import { measureRtt } from "../../src/nats/rtt.ts";
import { instrument } from "../../src/nats.ts";
import { startNats } from "../support/nats-server.ts";
import { openTimers, until } from "../support/resources.ts";

/** A client whose flushes the test resolves, and the measurements. */
function scripted(state: ClientState = "connected") {
  const pending: { resolve(): void; reject(error: Error): void }[] = [];
  const nc = { flush: () => new Promise<void>((resolve, reject) => pending.push({ resolve, reject })) };
  const events = new ClientEvents({ stats: () => assert.fail("stats must not be read") }, state);
  const measured: number[] = [];
  events.observe({ rtt: ({ durationMs }) => measured.push(durationMs) });
  return { nc, pending, events, measured };
}

const ticks = (count: number) => new Promise((resolve) => setTimeout(resolve, count));

test("measureRtt times a flush at each interval", async () => {
  const { nc, pending, events, measured } = scripted();
  // A time before each flush begins.
  let before = performance.now();
  const stop = measureRtt(nc, 1, events);
  for (const count of [1, 2, 3]) {
    await until(() => pending.length === count, "a flush");
    await ticks(5);
    const beforeNext = performance.now();
    pending.at(-1)?.resolve();
    await until(() => measured.length === count, "its measurement");
    assert.ok((measured.at(-1) ?? 0) <= performance.now() - before);
    assert.ok((measured.at(-1) ?? 0) >= 4, "the time has fractions of a millisecond");
    before = beforeNext;
  }
  stop();
});

test("measureRtt runs one measurement at a time and ignores one that rejects", async () => {
  const { nc, pending, events, measured } = scripted();
  const stop = measureRtt(nc, 1, events);
  await until(() => pending.length === 1, "a flush");
  await ticks(20);
  assert.equal(pending.length, 1);
  pending[0]?.reject(new Error("lost"));
  await until(() => pending.length === 2, "the next flush");
  assert.deepEqual(measured, []);
  stop();
});

test("measureRtt does not flush a disconnected client", async () => {
  const { nc, pending, events } = scripted();
  events.enter("reconnecting");
  const stop = measureRtt(nc, 1, events);
  await ticks(20);
  assert.equal(pending.length, 0);
  events.enter("connected");
  await until(() => pending.length === 1, "a flush");
  stop();
});

test("measureRtt ends with the client or when stopped, leaves no timer and drops a flush in progress", async () => {
  for (const how of ["close", "stop"] as const) {
    const { nc, pending, events, measured } = scripted();
    const stop = measureRtt(nc, 1, events);
    await until(() => pending.length === 1, "a flush");
    if (how === "close") events.close(undefined);
    else stop();
    pending[0]?.resolve();
    await ticks(20);
    assert.equal(pending.length, 1, how);
    assert.deepEqual(measured, [], how);
  }
});

test("rttIntervalMs measures across a reconnect until stop(), and nothing is measured without it", async () => {
  await using server = await startNats();
  const nc = await stockConnect({ servers: server.address, reconnectTimeWait: 10, maxReconnectAttempts: -1 });
  const measured: number[] = [];
  const unasked: number[] = [];
  let state: ClientState | undefined;
  const timers = openTimers();
  instrument(nc, { trace: { rtt: ({ durationMs }) => unasked.push(durationMs) } });
  const { stop } = instrument(nc, {
    trace: {
      rtt: ({ durationMs }) => measured.push(durationMs),
      stateChange: (info) => {
        state = info.state;
      },
    },
    rttIntervalMs: 5,
  });
  assert.equal(openTimers(), timers, "the timer keeps nothing alive");
  await until(() => measured.length >= 3, "round trips");
  await server.stop();
  await until(() => state === "reconnecting", "the loss is noticed");
  const soFar = measured.length;
  await server.start();
  await until(() => measured.length > soFar, "round trips again");
  stop();
  const last = measured.length;
  await ticks(30);
  assert.equal(measured.length, last);
  assert.ok(measured.every((durationMs) => durationMs > 0));
  assert.deepEqual(unasked, []);
  await nc.close();
});

test("rttIntervalMs does not keep the process alive", () => {
  const script = `
    import { ClientEvents } from "./src/client/client-events.ts";
    import { measureRtt } from "./src/nats/rtt.ts";
    measureRtt({ flush: async () => {} }, 1, new ClientEvents({ stats() {} }, "connected"));
  `;
  const { status, stderr } = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script], {
    timeout: 30_000,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
});
