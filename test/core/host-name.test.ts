import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { domainToASCII } from "node:url";
import fc from "fast-check";
import { canonicalHost } from "../../src/core/host-name.ts";

const refused = (why: string) => new TypeError(why);
const canonical = (host: string) => canonicalHost(host, refused);

describe("canonicalHost of an ASCII name", () => {
  const names = [
    "db.internal",
    "DB.Internal",
    "localhost",
    "localhost.",
    "_nats._tcp.example.com",
    "my_service",
    "a--b",
    "-a-",
    "xn--bcher-kva.example",
    "xn--a",
    "web.1",
    "web.0x1",
    "1.2.3.4.5",
    "a".repeat(63),
    `${"a.".repeat(126)}a`,
    `${"a.".repeat(126)}a.`,
  ];
  for (const name of names)
    test(`canonicalHost returns ${name.slice(0, 70)} unchanged`, () => assert.equal(canonical(name), name));
});

describe("canonicalHost of an IP address", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["127.0.0.1", "127.0.0.1"],
    ["::1", "::1"],
    ["2001:DB8::1", "2001:DB8::1"],
    ["::ffff:10.0.0.1", "::ffff:10.0.0.1"],
    ["fe80::1%eth0", "fe80::1%eth0"],
    ["127.1", "127.0.0.1"],
    ["0x7f.1", "127.0.0.1"],
    ["0X7F.0x0.0x0.0X1", "127.0.0.1"],
    ["0177.0.0.1", "127.0.0.1"],
    ["2130706433", "127.0.0.1"],
    ["0", "0.0.0.0"],
    ["１２７．０．０．１", "127.0.0.1"],
    ["①２７.1", "127.0.0.1"],
  ];
  for (const [host, address] of cases) {
    test(`canonicalHost reads ${host} as the IP address ${address}, as getaddrinfo and URL do`, () =>
      assert.equal(canonical(host), address));
  }

  for (const host of ["256.1.1.1", "08.1.1.1", "1.2.3.4.", "0x", "4294967296"]) {
    test(`canonicalHost reads ${host} as a name, not as an IP address`, () => assert.equal(canonical(host), host));
  }
});

describe("canonicalHost of a name with non-ASCII characters", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["bücher.example", "xn--bcher-kva.example"],
    ["BÜCHER.Example", "xn--bcher-kva.example"],
    ["bu\u0308cher.example", "xn--bcher-kva.example"],
    ["bücher.example.", "xn--bcher-kva.example."],
    ["例え。テスト", "xn--r8jz45g.xn--zckzah"],
    ["faß.de", "xn--fa-hia.de"],
    ["_srv._tcp.bücher.example", "_srv._tcp.xn--bcher-kva.example"],
    ["my_bücher", domainToASCII("my_bücher")],
    ["ｌｏｃａｌｈｏｓｔ", "localhost"],
  ];
  for (const [host, name] of cases)
    test(`canonicalHost converts ${host} to ${name}`, () => assert.equal(canonical(host), name));
});

describe("canonicalHost of an invalid host", () => {
  const notHosts = [
    "",
    " ",
    "a b",
    "ü b",
    "ü\u00a0b",
    "ü\tb",
    "ü\r\nHost: x",
    "ü\0",
    "a\0b",
    "ü/evil",
    "ü\\evil",
    "ü:80",
    "ü?x",
    "ü#x",
    "u@ü",
    "[ü]",
    "[::1]",
    "a%62c",
    "ü%62c",
    "ü%00",
    "a%",
    "::1%",
    "fe80::1%eth0/x",
    "ü／evil",
    "ü：80",
    "a℀b",
    "ü＠h",
    "ü％41",
    "ü<x",
    "ü\u202e",
    "\u00ad",
    "\ud800",
    "ü\udc00",
    "ü.1",
    "256.１",
    "xn--a.ü",
    "::g",
    `fe80::1%${"a".repeat(300)}`,
    "ü".repeat(100_000),
  ];
  for (const host of notHosts) {
    test(`canonicalHost rejects ${JSON.stringify(host).slice(0, 40)}, which is neither a name nor an IP address`, () => {
      assert.throws(() => canonical(host), { name: "TypeError", message: /not a name or an IP address/ });
    });
  }

  const unfit: readonly (readonly [string, RegExp])[] = [
    [".", /empty label/],
    ["..", /empty label/],
    [".a", /empty label/],
    ["a..b", /empty label/],
    ["a..", /empty label/],
    ["ü。。a", /empty label/],
    ["a".repeat(64), /label of 64 octets; the maximum is 63/],
    [`ok.${"a".repeat(64)}.ok`, /label of 64 octets/],
    ["ü".repeat(200), /label of 206 octets/],
    [`${"a.".repeat(126)}ab`, /has 254 octets; the maximum is 253/],
    [`${"ü.".repeat(32)}a`, /has 257 octets/],
    ["a".repeat(256), /has 256 octets/],
  ];
  for (const [host, why] of unfit) {
    test(`canonicalHost rejects ${JSON.stringify(host).slice(0, 40)}, which DNS cannot represent`, () => {
      assert.throws(() => canonical(host), { name: "TypeError", message: why });
    });
  }
});

test("canonicalHost returns an ASCII name without delimiters that fits into DNS and is its own canonical form", () => {
  const host = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({ unit: "grapheme", maxLength: 100 }),
    fc.stringMatching(/^[üé０-９a-c0-9.。_%:x-]{1,80}$/u),
    fc.domain(),
    fc.ipV4(),
    fc.ipV6(),
  );
  fc.assert(
    fc.property(host, (text) => {
      let name: string;
      try {
        name = canonical(text);
      } catch (error) {
        assert.ok(error instanceof TypeError && error.message.startsWith("the host is not a name"), String(error));
        return;
      }
      assert.match(name, /^[!-~]{1,254}$/);
      if (!name.includes(":")) assert.doesNotMatch(name, /[/\\?#@[\]%]|^\.|\.\.|[^.]{64}/);
      assert.equal(canonical(name), name);
    }),
    { numRuns: 5000 },
  );
});
