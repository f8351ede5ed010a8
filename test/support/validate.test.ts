import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { classify } from "../../src/core/classify.ts";
import {
  checkBoolean,
  checkCount,
  checkDuration,
  checkFunction,
  checkOneOf,
  checkOptions,
  checkRatio,
  type OptionNames,
  show,
} from "../../src/support/validate.ts";

const refused = (check: () => void, name: string, message: string) => assert.throws(check, { name, message });

describe("a duration", () => {
  for (const value of [1, 0.5, 1500.5, 2 ** 31 - 1]) {
    test(`checkDuration accepts ${value}`, () => checkDuration("x", value, 0.5));
  }
  for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 31, "5", 5n, null]) {
    test(`checkDuration rejects ${typeof value} ${value}`, () => {
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
  for (const value of [1, 2, 2 ** 31, Number.POSITIVE_INFINITY])
    test(`checkCount accepts ${value}`, () => checkCount("x", value));
  for (const value of [0, -1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** 53, "1", undefined]) {
    test(`checkCount rejects ${typeof value} ${value}`, () => {
      const got = typeof value === "string" ? '"1"' : value;
      refused(
        () => checkCount("x", value),
        "RangeError",
        `x must be a whole number of at least 1, or Infinity, got ${got}`,
      );
    });
  }
});

test("checkRatio accepts numbers from 0 to 1 only", () => {
  for (const value of [0, 0.5, 1]) checkRatio("x", value);
  for (const value of [-0.1, 1.1, Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
    refused(() => checkRatio("x", value), "RangeError", `x must be a number from 0 to 1, got ${value}`);
  }
});

test("checkOneOf accepts a value of the list and rejects others with the list", () => {
  checkOneOf("x", "a", ["a", "b"]);
  refused(() => checkOneOf("x", "c", ["a", "b"]), "RangeError", 'x must be one of a, b, got "c"');
  refused(() => checkOneOf("x", undefined, ["a"]), "RangeError", "x must be one of a, got undefined");
});

test("checkBoolean accepts only true and false", () => {
  checkBoolean("x", true);
  checkBoolean("x", false);
  refused(() => checkBoolean("x", "no"), "TypeError", 'x must be true or false, got "no"');
  refused(() => checkBoolean("x", 0), "TypeError", "x must be true or false, got 0");
});

test("checkFunction accepts only functions", () => {
  checkFunction("x", () => {});
  refused(() => checkFunction("x", {}), "TypeError", "x must be a function, got an object");
});

test("checkOptions accepts only an object with known names", () => {
  const known = { a: true, bMs: true } as const;
  checkOptions("f", { a: 1 }, known);
  checkOptions("f", Object.create(null), known);
  refused(
    () => checkOptions("f", { c: 1 } as never, known),
    "TypeError",
    "f: unknown option c; the options are a, bMs",
  );
  refused(() => checkOptions("f", { B: 1 } as never, known), "TypeError", "f: unknown option B; did you mean bMs?");
  refused(
    () => checkOptions("f", { "a\nb": 1 } as never, known),
    "TypeError",
    'f: unknown option "a\\nb"; the options are a, bMs',
  );
  for (const name of ["constructor", "toString", "__proto__"]) {
    refused(
      () => checkOptions("f", JSON.parse(`{"${name}":1}`), known),
      "TypeError",
      `f: unknown option ${name}; the options are a, bMs`,
    );
  }
});

test("an error about an option has the code ERR_INVALID_OPTION and is classified as config", () => {
  for (const check of [
    () => checkDuration("x", "5"),
    () => checkCount("x", "5"),
    () => checkOneOf("x", "a", []),
    () => checkBoolean("x", "true"),
    () => checkFunction("x", "f"),
    () => checkOptions("f", { c: 1 } as never, {}),
    () => checkOptions("f", null as never, {}),
  ]) {
    assert.throws(check, (error) => {
      assert.equal((error as { code?: unknown }).code, "ERR_INVALID_OPTION");
      assert.equal(classify(error), "config");
      return true;
    });
  }
});

for (const [value, shown] of [
  [null, "null"],
  [undefined, "undefined"],
  ["text", '"text"'],
  [5, "5"],
  [true, "true"],
  [() => {}, "a function"],
  [[{ timeoutMs: 5 }], "an array"],
  [new AbortController(), "an AbortController"],
  [Promise.resolve({}), "a promise"],
  [new Map([["timeoutMs", 5]]), "a Map"],
  [new Error("no"), "an Error"],
  [new URL("http://a"), "a URL"],
  [Buffer.from("a"), "a Uint8Array"],
] as const) {
  test(`checkOptions rejects ${shown} in place of options`, () => {
    refused(() => checkOptions("f", value as never, {}), "TypeError", `f: options must be an object, got ${shown}`);
  });
}

test("checkOptions rejects an AbortSignal and suggests { signal } if there is a signal option", () => {
  const { signal } = new AbortController();
  const got = "options must be an object, got an AbortSignal";
  refused(() => checkOptions("f", signal as never, {}), "TypeError", `f: ${got}`);
  refused(
    () => checkOptions("f", signal as never, { signal: true } as never),
    "TypeError",
    `f: ${got}; pass it as { signal }`,
  );
});

test("checkOptions accepts symbol keys, getters and methods of a class", () => {
  class Options {
    a = 1;
    get b() {
      return 2;
    }
    helper() {}
  }
  const options = Object.assign(new Options(), { [Symbol.for("mine")]: 3 });
  checkOptions("f", options as { a: number; b: number }, { a: true, b: true });
});

test("show returns a short single line and no contents of objects", () => {
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

test("a missing or unknown option name is a type error", () => {
  // @ts-expect-error: b is left out.
  const missing: OptionNames<{ a?: number; b?: number }> = { a: true };
  // @ts-expect-error: b is unknown.
  const stale: OptionNames<{ a?: number }> = { a: true, b: true };
  assert.throws(() => checkOptions("f", { b: 1 }, missing), /unknown option b; the options are a$/);
  checkOptions("f", { b: 1 } as never, stale as never);
});
