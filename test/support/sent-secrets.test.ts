import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { blankerOf, inheritSecrets, noteSecrets, SentSecrets } from "../../src/support/sent-secrets.ts";
import { growth } from "./growth.ts";

const password = "Pa55/w@rd+\"'%\\ü=";
const base64 = (text: string) => Buffer.from(text).toString("base64");
const everyByte = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

describe("SentSecrets blanks a password in every encoding that a peer may use", () => {
  const writings: Readonly<Record<string, string>> = {
    "in plain text": password,
    "in another case": password.toUpperCase(),
    "as JSON": JSON.stringify(password),
    "as JSON with every character escaped": [...password]
      .map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
    "as JSON with slashes escaped": JSON.stringify(password).replaceAll("/", "\\/"),
    "as JSON in JSON": JSON.stringify(JSON.stringify({ pass: password })),
    "percent-encoded": encodeURIComponent(password),
    "percent-encoded as a URL": encodeURI(password),
    "percent-encoded in every byte": everyByte(password),
    "percent-encoded twice": encodeURIComponent(encodeURIComponent(password)),
    "in base64": base64(password),
    "in base64url": Buffer.from(password).toString("base64url"),
    "in base64 behind one character": base64(`u:${password}`),
    "in base64 behind two": base64(`:${password}!`),
    "in base64 behind three": base64(`us:${password}`),
    "in base64 of the whole line": base64(`CONNECT {"user":"u","pass":"${password}","lang":"x"}`),
    "in hexadecimal": Buffer.from(password).toString("hex"),
    "in escaped bytes": [...password].map((each) => `\\x${each.charCodeAt(0).toString(16).padStart(2, "0")}`).join(""),
    "cut off at its end": `CONNECT {"pass":"${password.slice(0, -2)}`,
  };
  for (const [how, writing] of Object.entries(writings)) {
    test(how, () => {
      const secrets = new SentSecrets().add([password]);
      const shown = secrets.blankIn(`-ERR 'no: ${writing}`);
      assert.ok(!shown.includes(writing), shown);
      assert.ok(!shown.includes("Pa55"), shown);
      assert.ok(!shown.toUpperCase().includes("W@RD"), shown);
      assert.match(shown, /\*\*\*|withheld/);
    });
  }
});

test("SentSecrets does not change text without secrets", () => {
  const secrets = new SentSecrets().add([password, "abc", undefined, ""], ["orders", "u"]);
  for (const text of [
    "'Authorization Violation'",
    'Permissions Violation for Publish to "orders.new"',
    "maximum connections exceeded",
    "alphabcde",
    "100% of \\x, 5 %20 and C:\\new",
    "",
  ]) {
    assert.equal(secrets.blankIn(text), text);
  }
  assert.equal(secrets.blankIn("pass abc."), "pass ***.");
});

test("SentSecrets blanks the user name in text that repeats credentials", () => {
  const secrets = new SentSecrets().add([password], ["orders"]);
  assert.equal(
    secrets.blankIn(`CONNECT {"user":"orders","pass":${JSON.stringify(password)}}`),
    'CONNECT {"user":"***","pass":"***"}',
  );
  assert.equal(secrets.blankIn('{"user":"orders"}'), '{"user":"***"}');
});

test("SentSecrets blanks any secret in its usual encodings at any position", () => {
  const writings = [
    (text: string) => text,
    (text: string) => JSON.stringify(text),
    (text: string) => encodeURIComponent(text),
    (text: string) => base64(text),
    (text: string) => base64(`user:${text}`),
  ];
  fc.assert(
    fc.property(
      fc.string({ minLength: 8, maxLength: 40 }),
      fc.constantFrom(...writings),
      fc.string({ maxLength: 20 }),
      (secret, write, before) => {
        const shown = new SentSecrets().add([secret]).blankIn(`${before} ${write(secret)} after`);
        assert.ok(!shown.includes(secret), shown);
        if (!before.includes(secret)) assert.ok(!shown.includes(write(secret)), shown);
      },
    ),
  );
});

test("inheritSecrets copies secrets from an underlying connection, even across several layers", () => {
  const [plain, secured] = [{}, {}];
  assert.equal(blankerOf(plain), undefined);
  inheritSecrets(secured, plain);
  assert.equal(blankerOf(secured), undefined);
  noteSecrets(plain, new SentSecrets().add(["first-secret"]));
  inheritSecrets(secured, plain);
  noteSecrets(secured, new SentSecrets().add(["second-secret"]));
  assert.equal(blankerOf(secured)?.("first-secret second-secret"), "*** ***");
  assert.equal(blankerOf(plain)?.("first-secret second-secret"), "*** second-secret");
});

test("SentSecrets finds a secret after any number of words and searches long text in far less than quadratic time", () => {
  const secrets = new SentSecrets().add([password, "a-second-one".repeat(90)], ["orders"]);
  const words = "Authorization connections exceeded ".repeat(100);
  assert.match(secrets.blankIn(`${words}${base64(`x${password}`)}`), /withheld/);
  const texts = [
    words.repeat(3),
    "x".repeat(9_000),
    base64(words.repeat(3)),
    "%41".repeat(9_000),
    "\\u0041".repeat(9_000),
  ];
  for (const text of texts) {
    // Below the 8 KiB that are searched. Quadratic time would be 400 times as long.
    const ratio = growth((length) => secrets.blankIn(text.slice(0, length)), 400, 8_000);
    assert.ok(ratio < 150, `${text.slice(0, 20)}: ${ratio} times as long for 20 times as much`);
  }
  const long = words.repeat(300);
  const beyond = growth((length) => secrets.blankIn(long.slice(0, length)), 9_000, 900_000);
  assert.ok(beyond < 20, `${beyond} times as long for 100 times as much beyond the 8 KiB that are searched`);
});

describe("SentSecrets forgets only secrets that differ for each connection", () => {
  test("a password is blanked however many secrets were added after it", () => {
    const secrets = new SentSecrets().add(["first-password"], ["worker"]);
    secrets.add(Array.from({ length: 100 }, (_, index) => `value-number-${index}`));
    for (let index = 0; index < 100; index += 1) secrets.addPassing([`signature-number-${index}`]);
    assert.equal(secrets.blankIn("it was first-password"), "it was ***");
    assert.equal(secrets.blankIn("it was value-number-3"), "it was ***");
  });

  test("a password that each connection sends is blanked after many signatures", () => {
    const secrets = new SentSecrets();
    for (let index = 0; index < 100; index += 1) {
      secrets.addPassing(["first-password", `signature-number-${index}`]);
      assert.equal(secrets.blankIn("it was first-password"), "it was ***", `connection ${index}`);
    }
  });

  test("old signatures are forgotten, so that memory does not grow with the number of connections", () => {
    const secrets = new SentSecrets();
    for (let index = 0; index < 100; index += 1) secrets.addPassing([`${index}-signature`]);
    assert.equal(secrets.blankIn("it was 99-signature"), "it was ***");
    assert.notEqual(secrets.blankIn("it was 0-signature"), "it was ***");
  });
});
