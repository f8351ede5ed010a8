import assert from "node:assert/strict";
import { test } from "node:test";
import { dropped, refused, Server } from "../bench/storm/server.js";

const options = { upAtMs: 1_000, perSecond: 10, backlog: 2, full: "refuse" as const };

test("a server that is down refuses, and one that is up accepts at an even pace", () => {
  const server = new Server(options);
  assert.equal(server.offer(999), refused);
  assert.deepEqual([server.offer(1_000), server.offer(1_000)], [1_100, 1_200]);
  assert.equal(server.offer(5_000), 5_100);
});

test("what its backlog can't hold is refused, or dropped, until there is room", () => {
  for (const [full, fate] of [
    ["refuse", refused],
    ["drop", dropped],
  ] as const) {
    const server = new Server({ ...options, full });
    // One in the works and two that wait.
    assert.deepEqual(
      [1, 2, 3, 4].map(() => server.offer(1_000)),
      [1_100, 1_200, 1_300, fate],
    );
    assert.equal(server.offer(1_100), 1_400);
    assert.equal(server.offer(1_150), fate);
  }
});
