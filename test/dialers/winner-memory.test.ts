import assert from "node:assert/strict";
import { test } from "node:test";
import { WinnerMemory } from "../../src/dialers/winner-memory.ts";

test("WinnerMemory returns the last winner of each name", () => {
  const winners = new WinnerMemory();
  assert.equal(winners.of("a"), undefined);
  winners.remember("a", "192.0.2.1");
  winners.remember("b", "2001:db8::1");
  winners.remember("a", "192.0.2.2");
  assert.equal(winners.of("a"), "192.0.2.2");
  assert.equal(winners.of("b"), "2001:db8::1");
});

test("WinnerMemory drops the least recently updated of more than 1000 names", () => {
  const winners = new WinnerMemory();
  for (let name = 0; name < 1000; name += 1) winners.remember(`h${name}`, "192.0.2.1");
  winners.remember("h0", "192.0.2.1");
  winners.remember("new", "192.0.2.1");
  assert.equal(winners.of("h1"), undefined);
  for (const name of ["h0", "h2", "new"]) assert.equal(winners.of(name), "192.0.2.1", name);
});
