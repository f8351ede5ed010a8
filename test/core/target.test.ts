import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { classify, parseTarget, Target, type TargetLike } from "../../src/index.ts";

const good: readonly (readonly [TargetLike, string])[] = [
  ["db.internal:5432", "db.internal:5432"],
  ["localhost:1", "localhost:1"],
  ["127.0.0.1:65535", "127.0.0.1:65535"],
  ["[::1]:4222", "[::1]:4222"],
  ["[fe80::1%eth0]:4222", "[fe80::1%eth0]:4222"],
  ["nats://h:4333", "h:4333"],
  ["nats://h", "h:4222"],
  ["NATS://h", "h:4222"],
  ["nats://[::1]", "[::1]:4222"],
  ["nats://[::1]:4333", "[::1]:4333"],
  ["postgres://u:p@db/orders?sslmode=require", "db:5432"],
  ["postgresql://db", "db:5432"],
  ["redis://h/0", "h:6379"],
  ["rediss://h", "h:6379"],
  ["amqp://h", "h:5672"],
  ["amqps://h", "h:5671"],
  ["mqtt://h", "h:1883"],
  ["mqtts://h", "h:8883"],
  ["mysql://h", "h:3306"],
  ["http://h", "h:80"],
  ["https://h#top", "h:443"],
  ["ws://h", "h:80"],
  ["wss://h", "h:443"],
  ["tls://h:8443/path", "h:8443"],
  ["custom+proto://h:9", "h:9"],
  ["unix:/run/x.sock", "unix:/run/x.sock"],
  ["unix:///run/x.sock", "unix:/run/x.sock"],
  ["unix:relative.sock", "unix:relative.sock"],
  ["unix:@name", "unix:@name"],
  [{ path: "\0name" }, "unix:@name"],
  ["user@h:1", "h:1"],
  ["user:secret@h:1", "h:1"],
  ["nats://token@h", "h:4222"],
  ["nats://user:se@cret@h:1", "h:1"],
  ["nats://user:se:cret@h:1", "h:1"],
  ["user:se/cr?e#t@h:1", "h:1"],
  ["bücher.example:80", "xn--bcher-kva.example:80"],
  ["BÜCHER。example.:80", "xn--bcher-kva.example.:80"],
  ["nats://b%C3%BCcher.example", "xn--bcher-kva.example:4222"],
  ["nats://a%62c", "abc:4222"],
  ["nats://[fe80::1%25eth0]", "[fe80::1%eth0]:4222"],
  [new URL("nats://bücher.example:4333"), "xn--bcher-kva.example:4333"],
  [new URL("http://bücher.example"), "xn--bcher-kva.example:80"],
  [{ host: "bücher.example", port: 80 }, "xn--bcher-kva.example:80"],
  ["127.1:80", "127.0.0.1:80"],
  ["http://0x7f.1", "127.0.0.1:80"],
  [new URL("nats://user:secret@h:4222"), "h:4222"],
  [new URL("https://h"), "h:443"],
  [new URL("http://h:80/"), "h:80"],
  [new URL("https://h:443/"), "h:443"],
  [new URL("ws://h:80/"), "h:80"],
  [new URL("wss://h:443/"), "h:443"],
  [new URL("ftp://h:21/"), "h:21"],
  [new URL("nats://h:4222/"), "h:4222"],
  [new URL("http://[::1]:8080/"), "[::1]:8080"],
  [new URL("https://user:se%2Fcret@h/@scope/name?a=@"), "h:443"],
  [new URL("unix:/run/x.sock"), "unix:/run/x.sock"],
  [new URL("unix:///run/ä b.sock"), "unix:/run/ä b.sock"],
  [new URL("unix:/run/100%.sock"), "unix:/run/100%.sock"],
  [new URL("unix://run/x.sock"), "unix:run/x.sock"],
  ["unix:/run/a%20b.sock", "unix:/run/a%20b.sock"],
  [{ host: "h", port: 1 }, "h:1"],
  [{ host: "h", port: "65535" }, "h:65535"],
  [{ host: "::1", port: 1 }, "[::1]:1"],
  [{ path: "/run/x.sock" }, "unix:/run/x.sock"],
  [{ host: "h", port: 1, path: undefined } as never, "h:1"],
];

describe("parseTarget of a valid target", () => {
  for (const [input, text] of good) {
    test(`parseTarget parses ${shown(input)} as ${text}`, () => assert.equal(parseTarget(input).toString(), text));
  }

  test("parseTarget returns a Target unchanged", () => {
    const target = parseTarget("h:1");
    assert.equal(parseTarget(target), target);
  });

  test("parseTarget parses the string form of a Target to an equal Target", () => {
    for (const [input] of good) {
      const target = parseTarget(input);
      assert.deepEqual(parseTarget(target.toString()), target);
    }
  });
});

const bad: readonly (readonly [unknown, string, RegExp])[] = [
  ["", '""', /host is missing/],
  [":1", '":1"', /host is missing/],
  ["nats://", '"nats://"', /host is missing/],
  ["nats:///path", '"nats:///path"', /host is missing/],
  ["h", '"h"', /port is missing/],
  ["h:", '"h:"', /port is missing/],
  ["tls://h", '"tls://h"', /port is missing/],
  ["h:0", '"h:0"', /whole number from 1 to 65535/],
  ["h:65536", '"h:65536"', /whole number from 1 to 65535/],
  ["h:-1", '"h:-1"', /whole number/],
  ["h:1e3", '"h:1e3"', /whole number/],
  ["h: 1", '"h: 1"', /whole number/],
  ["h:0x10", '"h:0x10"', /whole number/],
  ["h:http", '"h:http"', /whole number/],
  ["h:4222/x", '"h:4222/x"', /whole number/],
  ["::1:4222", '"::1:4222"', /needs brackets/],
  ["[::1", '"[::1"', /not closed by a \]/],
  ["[::1]", '"[::1]"', /port is missing/],
  ["[::1]4222", '"[::1]4222"', /port must follow/],
  ["[h]:1", '"[h]:1"', /must be an IPv6 address/],
  ["[127.0.0.1]:1", '"[127.0.0.1]:1"', /must be an IPv6 address/],
  ["a b:1", '"a b:1"', /not a name or an IP address/],
  ["a\nb:1", '"a\\nb:1"', /not a name or an IP address/],
  ["a\0:1", '"a\\u0000:1"', /not a name or an IP address/],
  [`${"a".repeat(256)}:1`, `"${"a".repeat(256)}:1"`, /not a name or an IP address/],
  ["a%62c:1", '"a%62c:1"', /not a name or an IP address/],
  ["nats://a%2fb", '"nats://a%2fb"', /not a name or an IP address/],
  ["nats://a%00b", '"nats://a%00b"', /not a name or an IP address/],
  ["nats://a%fcb", '"nats://a%fcb"', /not valid UTF-8/],
  ["nats://a%zzb", '"nats://a%zzb"', /not a name or an IP address/],
  [new URL("unix:/run/%ff"), '"unix:/run/%ff"', /not valid UTF-8/],
  [new URL("unix:/run/a%00b"), '"unix:/run/a%00b"', /contains a NUL/],
  ["unix:", '"unix:"', /path is missing/],
  ["unix://", '"unix://"', /path is missing/],
  ["user:secret@h", '"***@h"', /port is missing/],
  ["nats://user:secret@h:x", '"nats://***@h:x"', /whole number/],
  ["nats://user:sec/ret@h:1", '"nats://***@h:1"', /must be percent-encoded/],
  ["nats://user:12/34@h:1", '"nats://***@h:1"', /must be percent-encoded/],
  ["nats://user:12?34@h:1", '"nats://***@h:1"', /must be percent-encoded/],
  ["nats://user:12#34@h:1", '"nats://***@h:1"', /must be percent-encoded/],
  ["nats://user:se@cret@h:x", '"nats://***@h:x"', /whole number/],
  [new URL("custom://user:secret@h"), '"custom://h"', /port is missing/],
  [{ host: "h", port: 0 }, '"h:0"', /whole number/],
  [{ host: "h", port: 1.5 }, '"h:1.5"', /whole number/],
  [{ host: "h", port: Number.NaN }, '"h:NaN"', /whole number/],
  [{ host: "h", port: Number.POSITIVE_INFINITY }, '"h:Infinity"', /whole number/],
  [{ host: "h" }, '"h:undefined"', /port is missing/],
  [{ host: "", port: 1 }, '":1"', /host is missing/],
  [{ host: 7, port: 1 }, '"7:1"', /host is missing/],
  [{ host: "[::1]", port: 1 }, '"[::1]:1"', /not a name/],
  [{ host: "user:secret@h", port: 1 }, '"***@h:1"', /not a name/],
  [{ path: "" }, '"unix:"', /path is missing/],
  [{ path: 7 }, '"unix:7"', /path is missing/],
  [{ path: null }, '"unix:null"', /path is missing/],
  [{ path: undefined }, '"[object Object]"', /must be a string/],
  [{}, '"[object Object]"', /must be a string/],
  [undefined, '"undefined"', /must be a string/],
  [null, '"null"', /must be a string/],
  [4222, '"4222"', /must be a string/],
];

describe("parseTarget of an invalid target", () => {
  for (const [input, named, why] of bad) {
    test(`parseTarget rejects ${shown(input).slice(0, 60)}`, () => {
      assert.throws(
        () => parseTarget(input as TargetLike),
        (error) => {
          assert.ok(error instanceof TypeError);
          assert.equal((error as NodeJS.ErrnoException).code, "ERR_INVALID_TARGET");
          assert.equal((error as { reason?: unknown }).reason, "config");
          assert.equal(classify(error), "config");
          assert.ok(error.message.startsWith(`invalid target ${named}: `), error.message);
          assert.match(error.message, why);
          assert.doesNotMatch(error.message, /secret|sec\/ret|se@cret/);
          return true;
        },
      );
    });
  }
});

test("parseTarget returns the same Target for a string that it has parsed recently", () => {
  assert.equal(parseTarget("recent.example:4222"), parseTarget("recent.example:4222"));
});

test("parseTarget keeps neither a string with userinfo, nor a long one, nor more than 100", () => {
  for (const text of ["nats://user:S3cret@recent.example:4222", `unix:/${"x".repeat(300)}`]) {
    assert.notEqual(parseTarget(text), parseTarget(text));
  }
  const first = parseTarget("first.example:1");
  for (let port = 1; port <= 100; port += 1) parseTarget(`others.example:${port}`);
  assert.notEqual(parseTarget("first.example:1"), first);
});

test("a unix socket target has no host and port, and a host target has no path", () => {
  assert.deepEqual({ ...parseTarget("unix:/x") }, { host: "", port: 0, path: "/x" });
  assert.deepEqual({ ...parseTarget("[::1]:1") }, { host: "::1", port: 1, path: undefined });
  assert.ok(parseTarget("h:1") instanceof Target);
});

test("the string form of a unix socket target escapes invisible characters and is unique per path", () => {
  const shown = (path: string) => String(parseTarget({ path }));
  assert.equal(shown("/run/x.sock"), "unix:/run/x.sock");
  assert.equal(shown("/run/\u001b[31m\nx\u202e"), 'unix:"/run/\\u001b[31m\\nx\\u202e"');
  const paths = ["/a\n", "/a\\n", '"/a\\n"', "/a\\\\n", "/a\u202e", "/a\\u202e", '"/a\\u202e"'];
  assert.equal(new Set(paths.map(shown)).size, paths.length);
});

test("parseTarget rejects a host with invisible characters and shows them escaped", () => {
  for (const host of ["a\u202eb", "a\u200bb", "a\ud800b", "a\u0085b"]) {
    assert.throws(
      () => parseTarget({ host, port: 1 }),
      /^TypeError: invalid target "a\\u[\da-f]{4}b:1": the host is not/,
    );
  }
});

test("parseTarget truncates a long malformed target in its error", () => {
  assert.throws(
    () => parseTarget(`${"x".repeat(900_000)}:1`),
    ({ message }: Error) => Buffer.byteLength(message) <= 1024,
  );
});

test("parseTarget reveals no secret of the userinfo in an error or in the target", () => {
  const secret = fc.stringMatching(/^S3[ -~]{2,12}K7$/);
  const ending = fc.constantFrom("h:1", "h", "h:x", "[::1]:1", "[::1", "::1:1", "", "a b:1", "h:99999", "h:1/p?q#f");
  const start = fc.constantFrom("", "nats://", "custom://", "postgres://", "NATS://");
  const user = fc.constantFrom("", "user:", "user:more:", "u%40x:");
  fc.assert(
    fc.property(start, user, secret, ending, (scheme, name, planted, rest) => {
      try {
        const target = parseTarget(`${scheme}${name}${planted}@${rest}`);
        assert.ok(!JSON.stringify(target).includes("S3"), target.toString());
      } catch (error) {
        assert.ok(error instanceof TypeError);
        assert.ok(!(error.stack ?? "").includes(planted), error.message);
        assert.ok(!error.message.includes("S3") || /:\/\//.test(planted), error.message);
      }
    }),
    { numRuns: 2000 },
  );
});

test("parseTarget returns a valid Target or throws a TypeError that shows the input, for any string", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[nats:/@[\]#?%.0-9a-f]{0,20}$/)),
      (text) => {
        try {
          const { host, port, path } = parseTarget(text);
          if (path === undefined) assert.ok(host !== "" && port >= 1 && port <= 65535);
          else assert.notEqual(path, "");
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, "ERR_INVALID_TARGET");
          assert.match((error as Error).message, /^invalid target "/);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

function shown(input: unknown): string {
  if (input instanceof URL) return `a URL of ${input.href}`;
  return typeof input === "object" ? JSON.stringify(input) : String(input);
}
