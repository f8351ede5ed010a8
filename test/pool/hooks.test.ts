import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import {
  type AcquireDoneInfo,
  compose,
  type DialTrace,
  type EvictedInfo,
  type GotConnInfo,
  type ObservedPool,
  type Pool,
  type PoolOptions,
  pool,
  type ReleaseDoneInfo,
  withTrace,
} from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";

/** Hooks that record each call of gotConn and putIdleConn. */
function diary(name: string, into: string[]): DialTrace {
  return {
    gotConn: ({ target, reused, idleMs }) => void into.push(`${name} got ${target} ${reused} ${idleMs}`),
    putIdleConn: ({ target }) => void into.push(`${name} put ${target}`),
  };
}

function make(options: Partial<PoolOptions<Duplex>> = {}) {
  const clock = fakeClock();
  const dialer = scriptedDialer();
  return { clock, dialer, connections: pool<Duplex>({ dialer, clock, ...options }) };
}

describe("gotConn and putIdleConn", () => {
  test("gotConn and putIdleConn reach the hooks of the dial and those of the acquire, each once", async () => {
    const told: string[] = [];
    const dialer = compose(withTrace(diary("layer", told)), scriptedDialer());
    const { connections, clock } = make({ dialer });
    const first = await connections.acquire("h:1", { trace: diary("first", told) });
    assert.deepEqual(told.splice(0), ["layer got h:1 false undefined", "first got h:1 false undefined"]);
    first.release();
    assert.deepEqual(told.splice(0), ["layer put h:1", "first put h:1"]);
    await clock.advance(25);
    const second = await connections.acquire("h:1", { trace: diary("second", told) });
    assert.deepEqual(told.splice(0), ["second got h:1 true 25", "layer got h:1 true 25", "first got h:1 true 25"]);
    second.release();
    assert.deepEqual(told.splice(0), ["second put h:1", "layer put h:1", "first put h:1"]);
    const trace = diary("again", told);
    for (let turn = 0; turn < 2; turn += 1) (await connections.acquire("other:1", { trace })).release();
    assert.equal(told.filter((line) => line.startsWith("again")).length, 4);
    await connections.close();
  });

  test("a connection passed to a waiter calls putIdleConn before the waiter's gotConn", async () => {
    const told: string[] = [];
    const { connections } = make({ maxOpen: 1, dialer: compose(withTrace(diary("layer", told)), scriptedDialer()) });
    const first = await connections.acquire("h:1");
    const waiting = connections.acquire("h:1", { trace: diary("waiter", told) });
    told.length = 0;
    first.release();
    const second = await waiting;
    assert.deepEqual(told, ["layer put h:1", "waiter got h:1 true 0", "layer got h:1 true 0"]);
    second.release(new Error("broken"));
    assert.equal(told.length, 3, "putIdleConn is not called for a connection that is closed");
  });

  test("putIdleConn is also called for a dialed connection that no waiter takes", async () => {
    const told: string[] = [];
    const { connections, clock } = make({ maxOpen: 2 });
    const leaseholder = await connections.acquire("h:1");
    const waiting = connections.acquire("h:1", { trace: diary("waiter", told) });
    leaseholder.release();
    const lease = await waiting;
    await clock.advance(0);
    assert.deepEqual(told, ["waiter got h:1 true 0", "waiter put h:1"]);
    assert.equal(connections.stats().idle, 1);
    lease.release();
    await connections.close();
  });

  test("gotConn and putIdleConn are called over a base dialer without layers", async () => {
    const told: string[] = [];
    const { connections } = make();
    const lease = await connections.acquire("h:1", { trace: diary("caller", told) });
    lease.release();
    assert.deepEqual(told, ["caller got h:1 false undefined", "caller put h:1"]);
    await connections.close();
  });
});

describe("pool observers", () => {
  test("a pool observer gets every acquire, release and eviction once, and the end last", async () => {
    const told: string[] = [];
    const clock = fakeClock();
    const observed: ObservedPool[] = [];
    const hooks = {
      acquireDone: ({ target, outcome, waitMs, conn, error }: AcquireDoneInfo) =>
        void told.push(`${target} ${outcome} after ${waitMs} ${conn !== undefined} ${error}`),
      releaseDone: ({ useMs, error }: ReleaseDoneInfo) => void told.push(`released after ${useMs} ${error}`),
      evicted: ({ reason }: EvictedInfo) => void told.push(`evicted ${reason}`),
      end: () => void told.push("end"),
    };
    const connections: Pool<Duplex> = pool<Duplex>({
      dialer: scriptedDialer(["connect", new Error("no"), "hang"]),
      clock,
      maxOpen: 1,
      acquireTimeoutMs: 100,
      trace: [
        (each) => {
          observed.push(each);
          return hooks;
        },
        () => undefined,
        { end: () => void told.push("second end") },
      ],
    });
    assert.equal(observed[0], connections);
    assert.equal(observed[0]?.maxOpen, 1);
    const first = await connections.acquire("h:1");
    const waiting = connections.acquire("h:1");
    await clock.advance(30);
    first.release();
    (await waiting).release("broken");
    await connections.acquire("h:1").catch(() => {});
    const hanging = connections.acquire("h:1").catch(() => {});
    await clock.advance(100);
    await hanging;
    await connections.acquire("h:1", { signal: AbortSignal.abort("enough") }).catch(() => {});
    first.release();
    await connections.close();
    assert.deepEqual(told, [
      "h:1 miss after 0 true undefined",
      "released after 30 undefined",
      "h:1 hit after 30 true undefined",
      "released after 0 broken",
      "evicted unhealthy",
      "h:1 failure after 0 false DialError: dial h:1: no",
      "h:1 timeout after 100 false PoolTimeoutError: acquire h:1: no connection within 100 ms (0 of 1 in use, 1 being dialed, 1 waiting)",
      "h:1 canceled after 0 false enough",
      "end",
      "second end",
    ]);
  });

  test("a pool observer that throws does not affect the pool", async () => {
    const broken = () => {
      throw new Error("broken hook");
    };
    const { connections } = make({
      trace: [broken, { acquireDone: broken, releaseDone: broken, evicted: broken, end: broken }],
    });
    const warnings = new Promise((resolve) => process.once("warning", resolve));
    const lease = await connections.acquire("h:1", { trace: { gotConn: broken, putIdleConn: broken } });
    lease.release();
    await connections.close();
    await warnings;
    assert.equal(connections.stats().evictions.drain, 1);
  });

  test("a pool observer may use the pool in its hooks", async () => {
    const leases: unknown[] = [];
    const { connections, dialer } = make({
      maxOpen: 1,
      ttlMs: 10,
      trace: {
        evicted: ({ target }) => {
          if (leases.length < 3)
            leases.push(
              connections.acquire(target).then(
                (lease) => lease.release(),
                () => {},
              ),
            );
        },
      },
    });
    const first = await connections.acquire("h:1");
    first.release(new Error("broken"));
    await Promise.all(leases);
    assert.equal(dialer.calls.length, 2);
    assert.equal(connections.stats().idle, 1);
    const lease = await connections.acquire("h:1", {
      trace: { gotConn: ({ conn }: GotConnInfo) => void conn.destroy() },
    });
    assert.equal(lease.conn.destroyed, true);
    lease.release();
    await Promise.all(leases);
    assert.deepEqual([connections.stats().used, connections.stats().waiting], [0, 0]);
    await connections.close();
  });
});
