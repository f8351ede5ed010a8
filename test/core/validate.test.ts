import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  checkBoolean,
  checkCount,
  checkDuration,
  checkFunction,
  checkOneOf,
  checkOptions,
  show,
} from "../../src/core/validate.ts";

const refused = (check: () => void, name: string, message: string) => assert.throws(check, { name, message });

describe("a duration", () => {
  for (const value of [1, 0.5, 1500.5, 2 ** 31 - 1]) {
    test(`may be ${value}`, () => checkDuration("x", value, 0.5));
  }
  for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 31, "5", 5n, null]) {
    test(`may not be ${typeof value} ${value}`, () => {
      const got = typeof value === "string" ? '"5"' : value;
      refused(
        () => checkDuration("xMs", value),
        "RangeError",
        `xMs must be a number of milliseconds from 1 to 2147483647, got ${got}`,
      );
    });
  }
});

describe("a count", () => {
  for (const value of [1, 2, 2 ** 31, Number.POSITIVE_INFINITY]) test(`may be ${value}`, () => checkCount("x", value));
  for (const value of [0, -1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** 53, "1", undefined]) {
    test(`may not be ${typeof value} ${value}`, () => {
      const got = typeof value === "string" ? '"1"' : value;
      refused(
        () => checkCount("x", value),
        "RangeError",
        `x must be a whole number of at least 1, or Infinity, got ${got}`,
      );
    });
  }
});

test("one of a list is that, or is refused by the list", () => {
  checkOneOf("x", "a", ["a", "b"]);
  refused(() => checkOneOf("x", "c", ["a", "b"]), "RangeError", 'x must be one of a, b, got "c"');
  refused(() => checkOneOf("x", undefined, ["a"]), "RangeError", "x must be one of a, got undefined");
});

test("a boolean is true or false, and nothing that looks like it", () => {
  checkBoolean("x", true);
  checkBoolean("x", false);
  refused(() => checkBoolean("x", "no"), "TypeError", 'x must be true or false, got "no"');
  refused(() => checkBoolean("x", 0), "TypeError", "x must be true or false, got 0");
});

test("a function is one", () => {
  checkFunction("x", () => {});
  refused(() => checkFunction("x", {}), "TypeError", "x must be a function, got an object");
});

test("options are an object of known names", () => {
  checkOptions("f", { a: 1 }, ["a", "b"]);
  refused(() => checkOptions("f", { c: 1 }, ["a", "b"]), "TypeError", "f: unknown option c; the options are a, b");
  refused(() => checkOptions("f", null, []), "TypeError", "f: options must be an object, got null");
  refused(() => checkOptions("f", "text", []), "TypeError", 'f: options must be an object, got "text"');
});

test("a rejected value is shown short, on one line, and without what an object may hide", () => {
  assert.equal(show("a\nb"), '"a\\nb"');
  assert.equal(show("x".repeat(100)), `"${"x".repeat(64)}…"`);
  assert.equal(show({ password: "secret" }), "an object");
  assert.equal(show(["secret"]), "an array");
  assert.equal(
    show(() => "secret"),
    "a function",
  );
  assert.equal(show(Symbol("s")), "Symbol(s)");
  assert.equal(show(null), "null");
});
