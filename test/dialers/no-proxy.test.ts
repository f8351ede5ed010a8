import assert from "node:assert/strict";
import { test } from "node:test";
import { noProxy } from "../../src/dialers/no-proxy.ts";

const cases: readonly (readonly [list: string, direct: readonly string[], proxied: readonly string[]])[] = [
  ["", [], ["db.test", "10.0.0.1", "::1"]],
  ["*", ["db.test", "10.0.0.1", "::1"], []],
  ["db.test,*", ["db.test"], ["www.test"]],
  ["db.test", ["db.test", "DB.Test", "db.test.", "a.db.test", "a.b.db.test"], ["adb.test", "test", "db.test.org"]],
  [".db.test", ["db.test", "a.db.test"], ["adb.test"]],
  ["db.test.", ["db.test", "a.db.test"], []],
  ["*.db.test", [], ["a.db.test", "db.test"]],
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
  test(`NO_PROXY=${JSON.stringify(list)}`, () => {
    const isDirect = noProxy(list);
    for (const host of direct) assert.equal(isDirect(host), true, `${host} is dialed without a proxy`);
    for (const host of proxied) assert.equal(isDirect(host), false, `${host} is dialed through it`);
  });
}
