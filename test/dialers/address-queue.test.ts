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
  ["IP versions take turns, IPv6 first", undefined, "4.1 4.2 4.3 6:1 6:2 6:3", "6:1 4.1 6:2 4.2 6:3 4.3"],
  ["the longer of the two goes on alone", undefined, "4.1 6:1 6:2 6:3", "6:1 4.1 6:2 6:3"],
  ["one version keeps its order", undefined, "4.3 4.1 4.2", "4.3 4.1 4.2"],
  [
    "the first comes out before all others, then the turn is the other version's",
    "4.2",
    "6:1 6:2 4.1 4.2",
    "4.2 6:1 4.1 6:2",
  ],
  ["a first of IPv6 comes before others of its version", "6:2", "6:1 6:2 4.1", "6:2 4.1 6:1"],
  ["a first that is no longer among them changes nothing", "4.9", "4.1 6:1", "6:1 4.1"],
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

test("an empty queue has none, before and after", () => {
  const queue = new AddressQueue();
  assert.equal(queue.next(), undefined);
  queue.add([]);
  assert.equal(queue.next(), undefined);
});

test("addresses that come later fall in where the turn is", () => {
  const queue = new AddressQueue();
  queue.add(["4.1", "4.2", "4.3"].map(address));
  assert.equal(queue.next()?.address, "4.1");
  queue.add(["6:1", "6:2"].map(address));
  assert.equal(drain(queue), "6:1 4.2 6:2 4.3");
});

test("a first that comes later is the next", () => {
  const queue = new AddressQueue("4.2");
  queue.add([address("6:1"), address("6:2")]);
  assert.equal(queue.next()?.address, "6:1");
  queue.add(["4.1", "4.2"].map(address));
  assert.equal(drain(queue), "4.2 6:2 4.1");
});
