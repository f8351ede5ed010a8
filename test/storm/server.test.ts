import assert from "node:assert/strict";
import { test } from "node:test";
import { dropped, refused, Server } from "../bench/storm/server.js";

const options = { upAtMs: 1_000, perSecond: 10, backlog: 2, full: "refuse" as const };

test("the simulated server refuses while down and accepts at a constant rate while up", () => {
  const server = new Server(options);
  assert.equal(server.offer(999), refused);
  assert.deepEqual([server.offer(1_000), server.offer(1_000)], [1_100, 1_200]);
  assert.equal(server.offer(5_000), 5_100);
});

test("the simulated server refuses or drops attempts while its backlog is full", () => {
  for (const [full, outcome] of [
    ["refuse", refused],
    ["drop", dropped],
  ] as const) {
    const server = new Server({ ...options, full });
    // One is being accepted and two are waiting.
    assert.deepEqual(
      [1, 2, 3, 4].map(() => server.offer(1_000)),
      [1_100, 1_200, 1_300, outcome],
    );
    assert.equal(server.offer(1_100), 1_400);
    assert.equal(server.offer(1_150), outcome);
  }
});
