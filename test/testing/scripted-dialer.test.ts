import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptedDialer } from "../../src/testing.ts";
import { connection } from "../support/contract.ts";

test("each call plays the next step, the last one over and over", async () => {
  const error = new Error("no");
  const dial = scriptedDialer([error, "connect", error]);
  await assert.rejects(dial("h:1"), (thrown) => thrown === error);
  (await dial("h:1")).destroy();
  await assert.rejects(dial("h:1"), (thrown) => thrown === error);
  await assert.rejects(dial("h:1"), (thrown) => thrown === error);
  assert.equal(dial.calls.length, 4);
  assert.equal(dial.connections.length, 1);
});

test("without steps of its own it connects", async () => {
  const dial = scriptedDialer();
  const [one, two] = [await dial("h:1"), await dial("h:1")];
  assert.notEqual(one, two);
  assert.deepEqual(dial.connections, [one, two]);
});

test("its connections take what is written and say nothing", async () => {
  const conn = await scriptedDialer()("h:1");
  await new Promise((resolve) => conn.write("hello", resolve));
  assert.equal(conn.read(), null);
  conn.destroy();
});

test("a step that hangs ends with the signal's reason, one aborted before included", async () => {
  const controller = new AbortController();
  const dialing = scriptedDialer(["hang"])("h:1", { signal: controller.signal });
  controller.abort("enough");
  await assert.rejects(dialing, (thrown) => thrown === "enough");
  await assert.rejects(scriptedDialer(["hang"])("h:1", { signal: AbortSignal.abort(7) }), (thrown) => thrown === 7);
});

test("a function answers by itself, and is given the options", async () => {
  const conn = connection();
  const dial = scriptedDialer([
    async ({ background }) => {
      assert.equal(background, true);
      return conn;
    },
  ]);
  assert.equal(await dial("h:1", { background: true }), conn);
  assert.deepEqual(dial.connections, [conn]);
});

test("it remembers what it was called with, targets parsed", async () => {
  const dial = scriptedDialer();
  const { signal } = new AbortController();
  await dial("nats://user:secret@h", { signal });
  assert.equal(String(dial.calls[0]?.target), "h:4222");
  assert.equal(dial.calls[0]?.options.signal, signal);
});

test("a target that is none fails the call, and is not counted", async () => {
  const dial = scriptedDialer();
  await assert.rejects(dial("nowhere"), TypeError);
  assert.equal(dial.calls.length, 0);
});

test("no steps at all are refused", () => {
  assert.throws(() => scriptedDialer([]), /^RangeError: scriptedDialer: steps must have at least one step$/);
});
