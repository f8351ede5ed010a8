import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { compose, type PoolStats, pool } from "../../src/index.ts";
import { inspector } from "../../src/inspector.ts";
import { connection } from "../support/contract.ts";

describe("the pools of an inspector", () => {
  it("inspector shows the state of a pool and of its targets until the pool ends", async () => {
    const page = inspector();
    const connections = pool<Duplex>({
      dialer: compose(page.observe({ name: "orders" }), async () => connection()),
      maxOpen: 2,
      trace: page.pool({ name: "orders" }),
    });
    const [first, second] = [await connections.acquire("db:1"), await connections.acquire("db:1")];
    const other = await connections.acquire("other:1");
    const waiting = connections.acquire("db:1");
    const [{ id, ...shown } = assert.fail("no pool")] = page.snapshot().pools;
    assert.deepEqual(shown, {
      name: "orders",
      maxOpen: 2,
      used: 3,
      idle: 0,
      dialing: 0,
      waiting: 1,
      hits: 0,
      misses: 3,
      timeouts: 0,
      canceled: 0,
      failures: 0,
      targets: {
        total: 2,
        shown: [
          { target: "db:1", used: 2, idle: 0, dialing: 0, waiting: 1 },
          { target: "other:1", used: 1, idle: 0, dialing: 0, waiting: 0 },
        ],
      },
    });
    first.release();
    (await waiting).release();
    const [{ used, idle, hits } = assert.fail("no pool")] = page.snapshot().pools;
    assert.deepEqual([used, idle, hits], [2, 1, 1]);
    assert.deepEqual(page.snapshot().dialers[0]?.connections, { open: 3, idle: 1, closed: 0 });
    second.release();
    other.release();
    await connections.drain();
    assert.deepEqual(page.snapshot().pools, []);
  });

  it("inspector shows at most 20 targets of a pool, those with most waiters first, and no limit as absent", async () => {
    const page = inspector();
    await using connections = pool<Duplex>({
      dialer: () => new Promise(() => {}),
      maxOpen: Infinity,
      trace: page.pool(),
    });
    const controller = new AbortController();
    const all = Array.from({ length: 50 }, (_, index) =>
      Array.from({ length: 1 + (index % 7) }, () =>
        connections.acquire(`h:${index + 1}`, { signal: controller.signal }),
      ),
    ).flat();
    const [{ maxOpen, name, targets } = assert.fail("no pool")] = page.snapshot().pools;
    assert.deepEqual([name, maxOpen, targets.total, targets.shown.length], ["default", undefined, 50, 20]);
    assert.deepEqual(
      targets.shown.map(({ waiting }) => waiting),
      [7, 7, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 6, 6, 5, 5, 5, 5, 5, 5],
    );
    controller.abort();
    await Promise.allSettled(all);
  });

  it("inspector shows the pools that can be read, at most 100", () => {
    const page = inspector();
    const observe = page.pool();
    const counts = { open: 0, idle: 0, used: 0, dialing: 0, waiting: 0, hits: 0, misses: 0, timeouts: 0 };
    const more = { canceled: 0, failures: 0, doubleReleases: 0, evictions: {} as never, targets: new Map() };
    const stats: PoolStats = { ...counts, ...more };
    observe({
      maxOpen: 1,
      stats() {
        throw new Error("not now");
      },
    });
    assert.deepEqual(page.snapshot().pools, []);
    for (let index = 0; index < 200; index += 1) observe({ maxOpen: 1, stats: () => stats });
    assert.equal(page.snapshot().pools.length, 100);
  });
});
