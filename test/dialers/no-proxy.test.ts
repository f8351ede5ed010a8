import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { noProxy } from "../../src/dialers/no-proxy.ts";

// These tests run first, because each warning is emitted once per process.
describe("warnings about NO_PROXY", () => {
  const entries = [
    "http://x.test",
    "https://user:Qx1secret@x.test:80/",
    "x.test:0",
    "x.test:65536",
    "x.test:http",
    "x.test/8",
    "*x.test",
    "a.*.test",
    "10.0.*",
    "10.0.",
    "10.0.0.1/33",
    "10.0.0.1/x",
    "10.0.0.1/",
    "10.0.0.1/8/8",
    "::1/129",
    "10.0.0.9-10.0.0.1",
    "10.0.0.1-10.0.0.300",
    "10.0.0.1-10.0.0.2-10.0.0.3",
    "256.0.0.1",
    "fe80::1%eth0",
    "[::1",
    "[x.test]",
    "a..test",
    ".",
    "..x.test",
    "<local>",
    "x.test;y.test",
    "ü".repeat(200),
    "z".repeat(5000),
  ];
  for (const [index, entry] of entries.entries()) {
    test(`NO_PROXY warns once about the entry ${entry.slice(0, 60)}`, async () => {
      const warnings: Error[] = [];
      const listen = (warning: Error) => void warnings.push(warning);
      process.on("warning", listen);
      for (let times = 0; times < 3; times += 1) {
        const isDirect = noProxy(`a.test,${entry} b${index}.test`);
        assert.equal(isDirect("a.test"), true);
        assert.equal(isDirect(`b${index}.test`), true);
        for (const host of ["x.test", "10.0.0.1", "::1", "other.test"]) assert.equal(isDirect(host, 80), false);
      }
      await new Promise(setImmediate);
      process.off("warning", listen);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]?.message ?? "", /^NO_PROXY: ".{1,70}" matches no target/);
      assert.doesNotMatch(`${warnings[0]?.message}`, /Qx1/);
    });
  }

  test("NO_PROXY does not warn about an entry that can match", async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => void warnings.push(warning);
    process.on("warning", listen);
    noProxy("localhost, .x.test,*.y.test");
    noProxy("db.test:80,[::1]:80,::1,10.0.0.0/8,10.0.0.1-10.0.0.9,_srv._tcp.x.test,my_service,bücher.test,x.");
    noProxy(" * ");
    noProxy("");
    await new Promise(setImmediate);
    process.off("warning", listen);
    assert.deepEqual(warnings, []);
  });
});

const cases: readonly (readonly [list: string, direct: readonly string[], proxied: readonly string[]])[] = [
  ["", [], ["db.test", "10.0.0.1", "::1"]],
  ["*", ["db.test", "10.0.0.1", "::1"], []],
  ["db.test,*", ["db.test"], ["www.test"]],
  ["db.test", ["db.test", "DB.Test", "db.test.", "a.db.test", "a.b.db.test"], ["adb.test", "test", "db.test.org"]],
  [".db.test", ["db.test", "a.db.test"], ["adb.test"]],
  ["db.test.", ["db.test", "a.db.test"], []],
  ["*.db.test", ["a.db.test", "a.b.db.test", "db.test"], ["adb.test"]],
  ["bücher.test", ["xn--bcher-kva.test", "a.xn--bcher-kva.test"], ["test"]],
  ["*.BÜCHER.test", ["xn--bcher-kva.test", "a.xn--bcher-kva.test"], ["test"]],
  ["db.test:80,[::1]:80,10.0.0.1:80,10.1.0.0/16:80", [], ["db.test", "::1", "10.0.0.1", "10.1.0.1"]],
  ["127.1", ["127.0.0.1"], ["127.0.0.2"]],
  ["10.0.0.5-10.0.1.5", ["10.0.0.5", "10.0.0.255", "10.0.1.5"], ["10.0.0.4", "10.0.1.6", "::1"]],
  ["10.0.0.0/8", ["::ffff:10.0.0.1"], ["::ffff:11.0.0.1"]],
  ["a-b.test,10-20.test", ["a-b.test", "x.10-20.test"], ["b.test"]],
  ["a.test, b.test\tc.test  d.test", ["a.test", "b.test", "c.test", "x.d.test"], ["e.test"]],
  ["localhost", ["localhost"], ["127.0.0.1"]],
  ["10.0.0.1", ["10.0.0.1"], ["10.0.0.10", "110.0.0.1", "a.10.0.0.1.test"]],
  ["10.0.0.0/8", ["10.0.0.1", "10.255.0.1"], ["11.0.0.1", "10.test"]],
  ["192.168.1.64/26", ["192.168.1.64", "192.168.1.127"], ["192.168.1.63", "192.168.1.128"]],
  ["10.0.0.1/33,10.0.0.2/x,10.0.0.3/", [], ["10.0.0.1", "10.0.0.2", "10.0.0.3"]],
  ["::1,[2001:db8::1]", ["::1", "0:0:0:0:0:0:0:1", "2001:db8::1"], ["2001:db8::2"]],
  ["2001:db8::/32", ["2001:db8:1::1"], ["2001:db9::1"]],
  ["fe80::/10", ["fe80::1%eth0"], ["fd00::1%eth0"]],
  ["fe80::1%eth0,[::1", [], ["fe80::1", "::1"]],
];

for (const [list, direct, proxied] of cases) {
  test(`NO_PROXY=${JSON.stringify(list)} matches the same targets as in curl, undici or Node`, () => {
    const isDirect = noProxy(list);
    for (const host of direct) assert.equal(isDirect(host), true, `${host} is dialed without a proxy`);
    for (const host of proxied) assert.equal(isDirect(host), false, `${host} is dialed through it`);
  });
}

test("NO_PROXY matches only targets with the port of an entry", () => {
  const isDirect = noProxy("db.test:80,[::1]:80,10.0.0.1:80,10.1.0.0/16:80,*.x.test:80,10.2.0.1-10.2.0.9:80");
  for (const host of ["db.test", "a.db.test", "::1", "10.0.0.1", "10.1.2.3", "a.x.test", "10.2.0.5"]) {
    assert.equal(isDirect(host, 80), true, `${host}:80 is dialed without a proxy`);
    assert.equal(isDirect(host, 443), false, `${host}:443 is dialed through it`);
  }
});
