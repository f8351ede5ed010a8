import assert from "node:assert/strict";
import { test } from "node:test";
import { onDestroy } from "../../src/support/on-destroy.ts";
import { connection, turns } from "./contract.ts";

test("onDestroy calls its listener once on destroy, even after removeAllListeners", async () => {
  const conn = connection();
  const before = conn.eventNames();
  let calls = 0;
  onDestroy(conn, () => {
    calls += 1;
  });
  assert.deepEqual(conn.eventNames(), before);
  conn.removeAllListeners();
  assert.equal(calls, 0);
  conn.destroy();
  conn.destroy();
  await turns();
  assert.equal(calls, 1);
  assert.equal(conn.closed, true);
});

test("onDestroy calls its listener immediately for a destroyed connection", () => {
  const conn = connection();
  conn.destroy();
  let calls = 0;
  onDestroy(conn, () => {
    calls += 1;
  });
  assert.equal(calls, 1);
});

test("onDestroy calls each of several listeners, and the stream still emits its error", async () => {
  const conn = connection();
  const order: string[] = [];
  onDestroy(conn, () => order.push("first"));
  onDestroy(conn, () => order.push("second"));
  conn.on("error", (error) => order.push(error.message));
  conn.destroy(new Error("gone"));
  await turns();
  assert.deepEqual(order, ["second", "first", "gone"]);
});
