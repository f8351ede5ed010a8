import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { classify, compose, DialError } from "../../src/index.ts";
import { isAggregateError, isError } from "../../src/support/is-error.ts";
import { messageOf } from "../../src/support/message.ts";

/** Creates a value in another realm. jest runs tests in one realm, and Node.js creates errors in another. */
const elsewhere = (code: string): unknown => runInNewContext(code);

test("isError accepts errors of every realm and nothing else", () => {
  for (const code of [
    "new Error('x')",
    "new TypeError('x')",
    "new AggregateError([])",
    "new (class extends Error {})()",
  ]) {
    const error = elsewhere(code);
    assert.equal(error instanceof Error, false, `${code} must be of another realm`);
    assert.equal(isError(error), true, code);
  }
  assert.equal(isError(new Error("x")), true);
  assert.equal(isError(AbortSignal.abort().reason), true);
  for (const other of [undefined, null, "Error", {}, { name: "Error", message: "x" }, elsewhere("({})")]) {
    assert.equal(isError(other), false);
  }
});

test("isAggregateError accepts aggregate errors of every realm and no other error", () => {
  assert.equal(isAggregateError(new AggregateError([])), true);
  assert.equal(isAggregateError(elsewhere("new AggregateError([])")), true);
  assert.equal(isAggregateError(elsewhere("new Error()")), false);
  assert.equal(isAggregateError(Object.assign(new Error("x"), { errors: [] })), false);
  assert.equal(isAggregateError({ name: "AggregateError", errors: [] }), false);
});

test("classify finds the reason of an error of another realm, even in causes and in an AggregateError", () => {
  const refused = "Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })";
  assert.equal(classify(elsewhere(refused)), "refused");
  assert.equal(classify(elsewhere(`new Error("outer", { cause: ${refused} })`)), "refused");
  assert.equal(classify(elsewhere(`new AggregateError([${refused}])`)), "refused");
});

test("a dial that fails with an error of another realm rejects with its message and its reason", async () => {
  const dial = compose(async () => {
    throw elsewhere("Object.assign(new Error('connect ECONNREFUSED ::1'), { code: 'ECONNREFUSED' })");
  });
  const error = await dial("db.internal:5432").catch((caught: unknown) => caught);
  assert.ok(error instanceof DialError);
  assert.equal(error.reason, "refused");
  assert.match(error.message, /connect ECONNREFUSED ::1/);
  assert.doesNotMatch(error.message, /Error:/);
});

test("messageOf returns the message of an error of another realm without its name", () => {
  assert.equal(messageOf(elsewhere("new Error('no route')")), "no route");
});
