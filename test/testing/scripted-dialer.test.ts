import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptedDialer } from "../../src/testing.ts";
import { connection } from "../support/contract.ts";

test("scriptedDialer plays the next step at each call, and repeats the last", async () => {
  const error = new Error("no");
  const dial = scriptedDialer([error, "connect", error]);
  await assert.rejects(dial("h:1"), (thrown) => thrown === error);
  (await dial("h:1")).destroy();
  await assert.rejects(dial("h:1"), (thrown) => thrown === error);
  await assert.rejects(dial("h:1"), (thrown) => thrown === error);
  assert.equal(dial.calls.length, 4);
  assert.equal(dial.connections.length, 1);
});

test("scriptedDialer connects by default", async () => {
  const dial = scriptedDialer();
  const [one, two] = [await dial("h:1"), await dial("h:1")];
  assert.notEqual(one, two);
  assert.deepEqual(dial.connections, [one, two]);
});

test("connections of scriptedDialer accept writes and send nothing", async () => {
  const conn = await scriptedDialer()("h:1");
  await new Promise((resolve) => conn.write("hello", resolve));
  assert.equal(conn.read(), null);
  conn.destroy();
});

test("a hanging step rejects with the signal's reason, even if it was aborted before", async () => {
  const controller = new AbortController();
  const dialing = scriptedDialer(["hang"])("h:1", { signal: controller.signal });
  controller.abort("enough");
  await assert.rejects(dialing, (thrown) => thrown === "enough");
  await assert.rejects(scriptedDialer(["hang"])("h:1", { signal: AbortSignal.abort(7) }), (thrown) => thrown === 7);
});

test("a step that is a function receives the options and returns the connection", async () => {
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

test("scriptedDialer records its calls with parsed targets", async () => {
  const dial = scriptedDialer();
  const { signal } = new AbortController();
  await dial("nats://user:secret@h", { signal });
  assert.equal(String(dial.calls[0]?.target), "h:4222");
  assert.equal(dial.calls[0]?.options.signal, signal);
});

test("scriptedDialer rejects an invalid target and does not record it", async () => {
  const dial = scriptedDialer();
  await assert.rejects(dial("nowhere"), TypeError);
  assert.equal(dial.calls.length, 0);
});

test("scriptedDialer refuses an empty list of steps", () => {
  assert.throws(() => scriptedDialer([]), /^RangeError: scriptedDialer: steps must have at least one step$/);
});
