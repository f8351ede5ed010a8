import assert from "node:assert/strict";
import { test } from "node:test";
import { AddressQueue } from "../../src/dialers/address-queue.ts";
import type { Address } from "../../src/index.ts";

const address = (ip: string): Address => ({ address: ip, port: 1, family: ip.includes(":") ? "ipv6" : "ipv4" });

function drain(queue: AddressQueue): string {
  const ips: string[] = [];
  for (let next = queue.next(); next !== undefined; next = queue.next()) ips.push(next.address);
  return ips.join(" ");
}

const rows: readonly (readonly [what: string, first: string | undefined, given: string, taken: string])[] = [
  ["AddressQueue alternates IP versions, IPv6 first", undefined, "4.1 4.2 4.3 6:1 6:2 6:3", "6:1 4.1 6:2 4.2 6:3 4.3"],
  [
    "AddressQueue returns the remaining addresses of one version when the other has none left",
    undefined,
    "4.1 6:1 6:2 6:3",
    "6:1 4.1 6:2 6:3",
  ],
  ["AddressQueue keeps the order of addresses of one version", undefined, "4.3 4.1 4.2", "4.3 4.1 4.2"],
  [
    "AddressQueue returns the first address before all others, then alternates",
    "4.2",
    "6:1 6:2 4.1 4.2",
    "4.2 6:1 4.1 6:2",
  ],
  ["AddressQueue returns a first IPv6 address before other IPv6 addresses", "6:2", "6:1 6:2 4.1", "6:2 4.1 6:1"],
  ["AddressQueue ignores a first address that is never added", "4.9", "4.1 6:1", "6:1 4.1"],
];
for (const [what, first, given, taken] of rows) {
  test(what, () => {
    const queue = new AddressQueue(first);
    queue.add(given.split(" ").map(address));
    assert.equal(queue.size, given.split(" ").length);
    assert.equal(drain(queue), taken);
    assert.equal(queue.size, 0);
  });
}

test("AddressQueue returns undefined when it is empty", () => {
  const queue = new AddressQueue();
  assert.equal(queue.next(), undefined);
  queue.add([]);
  assert.equal(queue.next(), undefined);
});

test("AddressQueue alternates addresses that are added later", () => {
  const queue = new AddressQueue();
  queue.add(["4.1", "4.2", "4.3"].map(address));
  assert.equal(queue.next()?.address, "4.1");
  queue.add(["6:1", "6:2"].map(address));
  assert.equal(drain(queue), "6:1 4.2 6:2 4.3");
});

test("AddressQueue returns the first address next even if it is added later", () => {
  const queue = new AddressQueue("4.2");
  queue.add([address("6:1"), address("6:2")]);
  assert.equal(queue.next()?.address, "6:1");
  queue.add(["4.1", "4.2"].map(address));
  assert.equal(drain(queue), "4.2 6:2 4.1");
});
