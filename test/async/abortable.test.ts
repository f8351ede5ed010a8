import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { abortable } from "../../src/async/abortable.ts";
import { Cancel } from "../../src/async/cancel.ts";
import { connection, deferred, turns } from "../support/contract.ts";

const abortedWith = (reason: unknown) => {
  const cancel = new Cancel();
  cancel.abort(reason);
  return cancel;
};

test("without anything to cancel it, work is passed through as it is", () => {
  const work = Promise.resolve(connection());
  assert.equal(
    abortable(() => work, undefined),
    work,
  );
});

test("work that ends by itself ends so, and is released once", async () => {
  let released = 0;
  const release = () => {
    released += 1;
  };
  const conn = connection();
  assert.equal(await abortable(async () => conn, new Cancel(), release), conn);
  assert.equal(released, 1);
  await assert.rejects(
    abortable(() => Promise.reject(new Error("no")), new Cancel(), release),
    /^Error: no$/,
  );
  assert.equal(released, 2);
});

test("work that never ends is left a turn after the abort, released, and not waited for", async () => {
  let released = 0;
  const cancel = new Cancel();
  const bounded = abortable<Duplex>(
    () => new Promise(() => {}),
    cancel,
    () => {
      released += 1;
    },
  );
  cancel.abort("why");
  assert.equal(released, 0);
  await assert.rejects(bounded, (error) => error === "why");
  assert.equal(released, 1);
});

test("an error of the work's own that comes with the abort gives way to the reason", async () => {
  const cancel = new Cancel();
  const work = deferred<Duplex>();
  const bounded = abortable(() => work.promise, cancel);
  cancel.abort("why");
  work.reject(new Error("in its own words"));
  await assert.rejects(bounded, (error) => error === "why");
});

test("a connection that comes in the abort's turn, or any time later, is destroyed", async () => {
  for (const late of [false, true]) {
    const cancel = new Cancel();
    const work = deferred<Duplex>();
    const bounded = assert.rejects(
      abortable(() => work.promise, cancel),
      (error) => error === "why",
    );
    cancel.abort("why");
    if (late) await bounded;
    const conn = connection();
    work.resolve(conn);
    await bounded;
    await turns();
    assert.equal(conn.destroyed, true);
  }
});

test("an error that comes later is nobody's", async () => {
  const cancel = new Cancel();
  const work = deferred<Duplex>();
  const bounded = abortable(() => work.promise, cancel);
  cancel.abort("why");
  await assert.rejects(bounded, (error) => error === "why");
  work.reject(new Error("late"));
  await turns();
});

test("work that was aborted before is not started, and released", async () => {
  let released = 0;
  const release = () => {
    released += 1;
  };
  const bounded = abortable<Duplex>(() => assert.fail("must not start"), abortedWith("before"), release);
  await assert.rejects(bounded, (error) => error === "before");
  assert.equal(released, 1);
});

test("where bounds nest, the inner one ends first, whenever its work began", async () => {
  for (const began of ["at once", "later"] as const) {
    const cancel = new Cancel();
    const ended: string[] = [];
    const note = (what: string) => (error: unknown) => {
      ended.push(what);
      throw error;
    };
    const inner = () => abortable<Duplex>(() => new Promise(() => {}), cancel).catch(note("inner"));
    const outer = abortable(async () => {
      if (began === "later") await turns(1);
      return inner();
    }, cancel).catch(note("outer"));
    const both = assert.rejects(outer);
    await turns(2);
    cancel.abort(0);
    await both;
    assert.deepEqual(ended, ["inner", "outer"]);
  }
});
