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

test("abortable returns the work's own promise when there is no cancel", () => {
  const work = Promise.resolve(connection());
  assert.equal(
    abortable(() => work, undefined),
    work,
  );
});

test("abortable passes its further arguments to the work, with and without a cancel", async () => {
  const conn = connection();
  const work = async (first: string, second: number) => {
    assert.deepEqual([first, second], ["h:1", 2]);
    return conn;
  };
  assert.equal(await abortable(work, undefined, "h:1", 2), conn);
  assert.equal(await abortable(work, new Cancel(), "h:1", 2), conn);
});

test("abortable settles as the work does when nothing aborts", async () => {
  const conn = connection();
  assert.equal(await abortable(async () => conn, new Cancel()), conn);
  await assert.rejects(
    abortable(() => Promise.reject(new Error("no")), new Cancel()),
    /^Error: no$/,
  );
});

test("abortable rejects a turn after the abort when the work never settles", async () => {
  const cancel = new Cancel();
  const bounded = abortable<Duplex>(() => new Promise(() => {}), cancel);
  cancel.abort("why");
  await assert.rejects(bounded, (error) => error === "why");
});

test("abortable rejects with the abort's reason when the work fails after the abort", async () => {
  const cancel = new Cancel();
  const work = deferred<Duplex>();
  const bounded = abortable(() => work.promise, cancel);
  cancel.abort("why");
  work.reject(new Error("in its own words"));
  await assert.rejects(bounded, (error) => error === "why");
});

test("abortable destroys a connection that arrives with or after the abort", async () => {
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

test("abortable ignores an error of the work after it has rejected", async () => {
  const cancel = new Cancel();
  const work = deferred<Duplex>();
  const bounded = abortable(() => work.promise, cancel);
  cancel.abort("why");
  await assert.rejects(bounded, (error) => error === "why");
  work.reject(new Error("late"));
  await turns();
});

test("abortable does not start the work when already aborted", async () => {
  const bounded = abortable<Duplex>(() => assert.fail("must not start"), abortedWith("before"));
  await assert.rejects(bounded, (error) => error === "before");
});

test("nested abortables reject innermost first, whenever their work began", async () => {
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
