import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { type ConnClosedInfo, compose, type PoolOptions, pool, withTrace } from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { connection, turns } from "../support/contract.ts";
import { seededRandom } from "../support/random.ts";

function make(options: Partial<PoolOptions<Duplex>> = {}) {
  const clock = fakeClock();
  const dialer = scriptedDialer();
  return { clock, dialer, connections: pool<Duplex>({ dialer, clock, maxLifetimeJitter: 0, ...options }) };
}

async function keepIdle(connections: ReturnType<typeof make>["connections"], count: number): Promise<Duplex[]> {
  const leases = await Promise.all(Array.from({ length: count }, () => connections.acquire("h:1")));
  for (const lease of leases) lease.release();
  return leases.map(({ conn }) => conn);
}

test("an idle pool connection is closed after idleTimeoutMs, counted from its last use", async () => {
  const { connections, clock } = make({ idleTimeoutMs: 100 });
  const [conn] = await keepIdle(connections, 1);
  await clock.advance(99);
  assert.equal((await keepIdle(connections, 1))[0], conn);
  await clock.advance(99);
  assert.equal(conn?.destroyed, false);
  await clock.advance(1);
  assert.equal(conn?.destroyed, true);
  assert.equal(connections.stats().evictions.idle, 1);
  assert.equal(clock.pending, 0);
});

test("a pool connection is closed at the end of its lifetime when idle, or else when released", async () => {
  const { connections, clock } = make({ maxLifetimeMs: 100, idleTimeoutMs: Number.POSITIVE_INFINITY });
  const [idle, leased] = await Promise.all([connections.acquire("h:1"), connections.acquire("h:1")]);
  idle.release();
  await clock.advance(100);
  assert.deepEqual([idle.conn.destroyed, leased.conn.destroyed], [true, false]);
  leased.release();
  assert.equal(leased.conn.destroyed, true);
  assert.equal(connections.stats().evictions.max_lifetime, 2);
  assert.equal(clock.pending, 0);
});

test("maxLifetimeJitter spreads the lifetimes of connections that were opened together", async () => {
  const { connections, clock } = make({
    maxOpen: 50,
    maxLifetimeMs: 1000,
    maxLifetimeJitter: 0.2,
    idleTimeoutMs: Number.POSITIVE_INFINITY,
    random: seededRandom(1),
  });
  await keepIdle(connections, 50);
  await clock.advance(799);
  assert.equal(connections.stats().idle, 50, "no connection is closed before its lifetime less the jitter");
  await clock.advance(101);
  const { idle } = connections.stats();
  assert.ok(idle > 10 && idle < 40, `${idle} of 50 are left at half of the jitter`);
  await clock.advance(100);
  assert.equal(connections.stats().idle, 0, "no connection outlives maxLifetimeMs");
});

test("a pool closes idle connections of all targets with one timer", async () => {
  const { connections, clock } = make({ maxOpen: 100 });
  await keepIdle(connections, 20);
  const leases = await Promise.all(Array.from({ length: 20 }, (_none, n) => connections.acquire(`h:${n + 2}`)));
  for (const lease of leases) lease.release();
  assert.equal(clock.pending, 1);
  await connections.close();
  assert.equal(clock.pending, 0);
});

test("a pool times out all waiting acquires of a target with one timer", async () => {
  const { connections, clock } = make({
    maxOpen: 1,
    idleTimeoutMs: Number.POSITIVE_INFINITY,
    maxLifetimeMs: Number.POSITIVE_INFINITY,
  });
  const lease = await connections.acquire("h:1");
  const asked = Array.from({ length: 20 }, () => connections.acquire("h:1").catch(() => {}));
  assert.equal(clock.pending, 1);
  await connections.close();
  await Promise.all(asked);
  assert.equal(clock.pending, 0);
  lease.release();
});

test("acquire closes expired idle connections before it leases a usable one", async () => {
  const { connections, clock, dialer } = make({ ttlMs: 100 });
  const old = await connections.acquire("h:1");
  await clock.advance(60);
  const young = await connections.acquire("h:1");
  young.release();
  old.release();
  await clock.advance(60);
  const lease = await connections.acquire("h:1");
  assert.equal(lease.conn, young.conn);
  assert.equal(old.conn.destroyed, true);
  assert.equal(dialer.calls.length, 2);
  await connections.close();
});

test("connClosed names the reason of each close by the pool", async () => {
  const closed: ConnClosedInfo[] = [];
  const clock = fakeClock();
  const base = scriptedDialer();
  const dialer = compose(withTrace({ connClosed: (info) => closed.push(info) }), base);
  const connections = pool<Duplex>({
    dialer,
    clock,
    maxIdle: 1,
    idleTimeoutMs: 50,
    maxLifetimeMs: 200,
    maxLifetimeJitter: 0,
  });
  const reasonOf = async (end: () => unknown) => {
    await end();
    await turns();
    return closed.splice(0).map(({ reason }) => reason);
  };
  const acquire = () => connections.acquire("h:1");

  const broken = await acquire();
  assert.deepEqual(await reasonOf(() => broken.release(new Error("broken"))), ["unhealthy"]);
  const both = await Promise.all([acquire(), acquire()]);
  assert.deepEqual(await reasonOf(() => both.forEach((lease) => void lease.release())), ["idle"]);
  assert.deepEqual(await reasonOf(() => clock.advance(50)), ["idle"]);
  const stale = await acquire();
  stale.release();
  assert.deepEqual(await reasonOf(() => stale.conn.push("x")), ["stale"]);
  const old = await acquire();
  await clock.advance(200);
  assert.deepEqual(await reasonOf(() => old.release()), ["max_lifetime"]);
  const own = await acquire();
  assert.deepEqual(await reasonOf(() => own.conn.destroy()), ["local"]);
  const last = await Promise.all([acquire(), acquire()]);
  last[0].release();
  assert.deepEqual(await reasonOf(() => connections.close()), ["drain", "drain"]);
});

describe("the pool option minIdle", () => {
  test("minIdle keeps connections ready for a target from its first acquire on, dialed in the background", async () => {
    const { connections, dialer } = make({ minIdle: 2, maxOpen: 4 });
    const lease = await connections.acquire("h:1");
    await turns();
    assert.deepEqual([connections.stats().idle, connections.stats().used], [2, 1]);
    assert.deepEqual(
      dialer.calls.map(({ options }) => [options.background, options.owner === connections]),
      [
        [false, false],
        [true, true],
        [true, true],
      ],
    );
    lease.release();
    const again = await connections.acquire("h:1");
    assert.equal(again.reused, true);
    await turns();
    assert.equal(dialer.calls.length, 3);
    await connections.close();
  });

  test("minIdle never dials beyond maxOpen", async () => {
    const { connections } = make({ minIdle: 2, maxOpen: 3 });
    const leases = await Promise.all([1, 2, 3].map(() => connections.acquire("h:1")));
    await turns();
    assert.deepEqual([connections.stats().open, connections.stats().idle], [3, 0]);
    leases[0]?.conn.destroy();
    await turns();
    assert.deepEqual([connections.stats().open, connections.stats().idle], [3, 1]);
    await connections.close();
  });

  test("minIdle connections are exempt from idleTimeoutMs and are replaced at maxLifetimeMs", async () => {
    const { connections, clock, dialer } = make({ minIdle: 1, maxOpen: 3, idleTimeoutMs: 50, maxLifetimeMs: 1000 });
    await keepIdle(connections, 3);
    await clock.advance(50);
    assert.deepEqual([connections.stats().idle, dialer.calls.length], [1, 3]);
    await clock.advance(900);
    assert.equal(connections.stats().idle, 1);
    await clock.advance(50);
    assert.deepEqual([connections.stats().idle, dialer.calls.length], [1, 4]);
    assert.equal(connections.stats().evictions.max_lifetime, 1);
    await connections.close();
    assert.equal(clock.pending, 0);
  });

  test("failed minIdle dials back off, reject no waiter, and the backoff restarts after a success", async () => {
    const down = Object.assign(new Error("down"), { code: "ECONNREFUSED" });
    const dialer = scriptedDialer(["connect", down, down, down, "connect"]);
    const { connections, clock } = make({ dialer, minIdle: 1, maxOpen: 2, random: () => 0.5 });
    const lease = await connections.acquire("h:1");
    await turns();
    assert.equal(dialer.calls.length, 2);
    const times: number[] = [];
    while (dialer.calls.length < 5) {
      const before = dialer.calls.length;
      await clock.advance(100);
      if (dialer.calls.length > before) times.push(clock.now());
    }
    assert.deepEqual(times, [500, 1500, 3500], "delays of 500 ms, 1 s and 2 s: half the upper limit of the jitter");
    assert.deepEqual([connections.stats().idle, connections.stats().failures], [1, 0]);
    lease.release();
    await connections.close();
    assert.equal(clock.pending, 0);
  });

  test("a waiting acquire gets a dial while minIdle backs off", async () => {
    const dialer = scriptedDialer(["connect", new Error("down"), "connect"]);
    const { connections } = make({ dialer, minIdle: 1, maxOpen: 2 });
    await connections.acquire("h:1");
    await turns();
    const lease = await connections.acquire("h:1");
    assert.equal(lease.reused, false);
    await connections.close();
  });

  test("minIdle backs off from a server that closes unused connections or writes to them", async () => {
    const greeting = async () => {
      const conn = connection();
      conn.push("220 ready");
      return conn;
    };
    const dialer = scriptedDialer(["connect", greeting]);
    const { connections, clock } = make({ dialer, minIdle: 1, maxOpen: 2, random: () => 0.5 });
    await connections.acquire("h:1");
    await turns(50);
    assert.equal(dialer.calls.length, 2);
    await clock.advance(1600);
    assert.equal(dialer.calls.length, 4);
    assert.equal(connections.stats().evictions.stale, 3);
    await connections.close();
  });
});
