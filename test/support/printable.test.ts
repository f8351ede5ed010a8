import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { cleanError, isPrintable, maxPrintableBytes, printable, tameError } from "../../src/support/printable.ts";

describe("printable", () => {
  for (const [text, expected] of [
    ["", ""],
    ["plain ASCII, é, 日本, 🦊 and a \\ stay", "plain ASCII, é, 日本, 🦊 and a \\ stay"],
    ["a\r\n\tb", "a\\r\\n\\tb"],
    ["\u001b[31mred\u0007\b\u007f", "\\u001b[31mred\\u0007\\u0008\\u007f"],
    ["\u0085\u009b31m", "\\u0085\\u009b31m"],
    ["user\u202etxt.exe\u2066\u2069\u200f", "user\\u202etxt.exe\\u2066\\u2069\\u200f"],
    ["a\u200bb\ufeffc\u00ad", "a\\u200bb\\ufeffc\\u00ad"],
    ["a\u2028b\u2029c", "a\\u2028b\\u2029c"],
    ["\ud800a\udc00", "\\ud800a\\udc00"],
    ["tag \u{e0041}", "tag \\u{e0041}"],
    ["a\0b", "a\\u0000b"],
  ] as const) {
    test(`printable returns ${JSON.stringify(expected)} for ${JSON.stringify(text)}`, () => {
      assert.equal(printable(text), expected);
      assert.equal(isPrintable(text), text === expected);
    });
  }

  test("printable truncates a text to 1 kB of UTF-8, including the ellipsis, between two characters", () => {
    for (const character of ["x", "é", "日", "🦊", "\u001b"]) {
      for (const shift of ["", "a", "ab", "abc"]) {
        const cut = printable(shift + character.repeat(900_000));
        assert.ok(Buffer.byteLength(cut) <= maxPrintableBytes, `${character}: ${Buffer.byteLength(cut)}`);
        assert.ok(Buffer.byteLength(cut) > maxPrintableBytes - 10);
        assert.ok(cut.endsWith("…"));
        assert.ok(!cut.includes("\ufffd"));
      }
    }
    assert.equal(printable("x".repeat(1024)), "x".repeat(1024));
    assert.equal(printable("x".repeat(1025)), `${"x".repeat(1021)}…`);
    assert.equal(printable("abcdef", 5), "ab…");
  });

  test("printable leaves no invisible character, and a second call changes nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2000 }), fc.integer({ min: 4, max: 300 }), (text, max) => {
        const once = printable(text, max);
        assert.equal(printable(once, max), once);
        assert.ok(Buffer.byteLength(once) <= max);
        assert.doesNotMatch(once, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      }),
    );
  });
});

describe("cleanError", () => {
  const evil = `\u001b]0;owned\u0007${"x".repeat(100_000)}`;
  const clean = (text: string) => !/[\p{Cc}]/u.test(text.replaceAll("\n", "")) && text.length < 20_000;

  test("cleanError makes an error, its stack, its fields and its causes printable, and keeps the stack frames", () => {
    const cause = Object.assign(new Error(evil), { reason: evil, host: "a\nb", code: "ERR_X" });
    const error = new TypeError("outer\nforged", { cause });
    assert.equal(cleanError(error), error);
    assert.equal(error.message, "outer\\nforged");
    assert.match(error.stack ?? "", /^TypeError: outer\\nforged\n {4}at .*printable\.test/);
    assert.equal(cause.host, "a\\nb");
    assert.equal(cause.code, "ERR_X");
    assert.ok(cause.message.startsWith("\\u001b]0;owned"));
    for (const text of [cause.message, cause.reason, cause.stack ?? "", inspect(error)]) assert.ok(clean(text), text);
  });

  test("cleanError does not change a printable error, and accepts cyclic causes, frozen errors and other values", () => {
    const error = Object.assign(new Error("fine"), { n: 1 });
    const { stack } = error;
    cleanError(error);
    assert.equal(error.stack, stack);
    const circle = new Error("a\nb");
    circle.cause = circle;
    cleanError(circle);
    assert.equal(circle.message, "a\\nb");
    const frozen = Object.freeze(new Error("a\nb"));
    assert.equal(cleanError(frozen), frozen);
    assert.equal(cleanError("a\nb"), "a\\nb");
    assert.equal(cleanError(undefined), undefined);
  });

  test("cleanError hides certificates and unparsed bytes from logs", () => {
    const cert = { subject: { CN: evil } };
    const error = Object.assign(new Error("no"), { cert, rawPacket: Buffer.from(evil) });
    cleanError(error);
    assert.ok(!inspect(error).includes("owned"));
    assert.equal(error.cert, cert);
  });
});

test("tameError keeps an error of several lines, and cleans an error with control characters or a very long message", () => {
  const lines = new Error("first\n\tsecond");
  assert.equal(tameError(lines).message, "first\n\tsecond");
  const wild = new Error("outer", { cause: new Error("a\u001b[2J\nb") });
  assert.equal((tameError(wild).cause as Error).message, "a\\u001b[2J\\nb");
  assert.ok(tameError(new Error("x".repeat(900_000))).message.length <= 1024);
});
