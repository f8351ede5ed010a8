import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import {
  DialError,
  PoolClosedError,
  PoolFullError,
  type PoolOptions,
  PoolTimeoutError,
  pool,
} from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { connection, type Deferred, deferred, turns } from "../support/contract.ts";

/** A pool on a fake clock over a scripted dialer. */
function make(options: Partial<PoolOptions<Duplex>> = {}) {
  const clock = fakeClock();
  const dialer = scriptedDialer();
  return { clock, dialer, connections: pool<Duplex>({ dialer, clock, ...options }) };
}

/** A dialer whose dials are settled by the test. */
function manual() {
  const dials: (Deferred<Duplex> & { target: string; signal: AbortSignal | undefined })[] = [];
  const dialer: PoolOptions<Duplex>["dialer"] = (target, options) => {
    const dial = { ...deferred<Duplex>(), target: String(target), signal: options?.signal };
    dials.push(dial);
    return dial.promise;
  };
  return { dials, dialer };
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail("must reject"),
    (error) => error,
  );

describe("as in go-micro's pool:", () => {
  test("a pool never leases a connection of one target for another", async () => {
    const { connections, dialer } = make();
    const a = await connections.acquire("a:1");
    a.release();
    const b = await connections.acquire("b:1");
    assert.notEqual(b.conn, a.conn);
    assert.equal(b.reused, false);
    b.release();
    const again = await connections.acquire("nats://user:secret@a:1");
    assert.equal(again.conn, a.conn);
    assert.equal(String(again.target), "a:1");
    assert.deepEqual(
      dialer.calls.map(({ target }) => String(target)),
      ["a:1", "b:1"],
    );
    assert.deepEqual([...connections.stats().targets.keys()], ["a:1", "b:1"]);
    again.release();
    await connections.close();
  });

  test("a connection released beyond maxIdle is closed", async () => {
    const { connections } = make({ maxIdle: 1 });
    const [first, second] = await Promise.all([connections.acquire("h:1"), connections.acquire("h:1")]);
    first.release();
    second.release();
    assert.deepEqual([first.conn.destroyed, second.conn.destroyed], [false, true]);
    const { open, idle, evictions } = connections.stats();
    assert.deepEqual([open, idle, evictions.overflow], [1, 1, 1]);
    await connections.close();
  });

  test("a connection older than ttlMs is closed on the next acquire, not before", async () => {
    const { connections, clock } = make({ ttlMs: 100 });
    const first = await connections.acquire("h:1");
    first.release();
    await clock.advance(100);
    const second = await connections.acquire("h:1");
    assert.equal(second.conn, first.conn, "an age equal to ttlMs is still usable");
    second.release();
    await clock.advance(1);
    assert.equal(first.conn.destroyed, false);
    const third = await connections.acquire("h:1");
    assert.equal(first.conn.destroyed, true);
    assert.equal(third.reused, false);
    assert.equal(connections.stats().evictions.max_lifetime, 1);
    third.release();
    await connections.close();
  });

  test("a connection released with an error is closed", async () => {
    const { connections } = make();
    const lease = await connections.acquire("h:1");
    lease.release(new Error("protocol out of step"));
    assert.equal(lease.conn.destroyed, true);
    assert.equal(connections.stats().evictions.unhealthy, 1);
    assert.equal(connections.stats().open, 0);
  });

  test("the connection released last is leased first", async () => {
    const { connections } = make();
    const leases = await Promise.all([1, 2, 3].map(() => connections.acquire("h:1")));
    for (const lease of leases) lease.release();
    const again = await connections.acquire("h:1");
    assert.equal(again.conn, leases[2]?.conn);
    await connections.close();
  });
});

describe("a lease", () => {
  test("a lease is released at the end of its scope by using", async () => {
    const { connections } = make();
    {
      await using lease = await connections.acquire("h:1");
      assert.equal(connections.stats().used, 1);
      assert.equal(lease.conn.destroyed, false);
    }
    assert.equal(connections.stats().idle, 1);
    {
      using lease = await connections.acquire("h:1");
      assert.equal(lease.reused, true);
    }
    assert.equal(connections.stats().idle, 1);
    await connections.close();
  });

  test("a lease released in its scope is not released again at its end", async () => {
    const { connections } = make();
    {
      await using lease = await connections.acquire("h:1");
      lease.release(new Error("broken"));
    }
    assert.equal(connections.stats().doubleReleases, 0);
  });

  test("a second release is ignored and counted, even when the connection is leased again", async () => {
    const { connections } = make();
    const first = await connections.acquire("h:1");
    first.release();
    const second = await connections.acquire("h:1");
    first.release(new Error("late"));
    first.release();
    assert.equal(second.conn.destroyed, false);
    const { used, doubleReleases } = connections.stats();
    assert.deepEqual([used, doubleReleases], [1, 2]);
    second.release();
    await connections.close();
  });

  test("a destroyed connection frees its place immediately, and its lease can still be released", async () => {
    const { connections } = make({ maxOpen: 1 });
    const lease = await connections.acquire("h:1");
    const waiting = connections.acquire("h:1");
    lease.conn.removeAllListeners();
    lease.conn.destroy();
    assert.equal(connections.stats().dialing, 1);
    const next = await waiting;
    assert.notEqual(next.conn, lease.conn);
    lease.release();
    const { evictions, doubleReleases } = connections.stats();
    assert.deepEqual([evictions.destroyed, evictions.unhealthy, doubleReleases], [1, 0, 0]);
    next.release();
    await connections.close();
  });

  test("a connection released with unread bytes, or ended, is closed", async () => {
    for (const spoil of [(conn: Duplex) => conn.push("x"), (conn: Duplex) => conn.end()]) {
      const { connections } = make();
      const lease = await connections.acquire("h:1");
      spoil(lease.conn);
      await turns();
      lease.release();
      assert.equal(lease.conn.destroyed, true);
      assert.equal(connections.stats().evictions.unhealthy, 1);
    }
  });
});

describe("waiting acquires", () => {
  test("waiting acquires are served in the order of the calls", async () => {
    const { connections } = make({ maxOpen: 1 });
    const first = await connections.acquire("h:1");
    const served: string[] = [];
    const asked = ["a", "b", "c"].map((name) =>
      connections.acquire("h:1").then((lease) => {
        served.push(name);
        return lease;
      }),
    );
    first.release();
    for (const each of asked) (await each).release();
    assert.deepEqual(served, ["a", "b", "c"]);
    assert.equal(connections.stats().hits, 3);
    await connections.close();
  });

  test("waiting acquires time out one after the other, and leave no timer or dial", async () => {
    const { connections, clock } = make({ maxOpen: 1, acquireTimeoutMs: 100 });
    const lease = await connections.acquire("u:secret@h:1");
    const first = rejection(connections.acquire("h:1"));
    await clock.advance(40);
    let settled = false;
    const second = rejection(connections.acquire("h:1")).then((error) => {
      settled = true;
      return error;
    });
    await clock.advance(60);
    const error = await first;
    assert.ok(error instanceof PoolTimeoutError && error instanceof DialError);
    const { name, message, reason, target, timeoutMs } = error;
    assert.deepEqual(
      { name, message, reason, target, timeoutMs },
      {
        name: "PoolTimeoutError",
        message: "acquire h:1: no connection within 100 ms (1 of 1 in use, 0 being dialed, 2 waiting)",
        reason: "pool_exhausted",
        target: "h:1",
        timeoutMs: 100,
      },
    );
    assert.equal(settled, false);
    await clock.advance(40);
    assert.ok((await second) instanceof PoolTimeoutError);
    assert.equal(connections.stats().timeouts, 2);
    lease.conn.destroy();
    assert.equal(clock.pending, 0);
  });

  test("an aborted acquire rejects immediately with the signal's reason, and leaves no listener or timer", async () => {
    const { connections, clock } = make({ maxOpen: 1 });
    const lease = await connections.acquire("h:1");
    const controller = new AbortController();
    const asked = Array.from({ length: 20 }, () =>
      rejection(connections.acquire("h:1", { signal: controller.signal })),
    );
    assert.equal(getEventListeners(controller.signal, "abort").length, 1, "one listener for all acquires of a signal");
    const last = connections.acquire("h:1");
    controller.abort("enough");
    for (const each of asked) assert.equal(await each, "enough");
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    lease.release();
    assert.equal((await last).conn, lease.conn);
    assert.equal(connections.stats().canceled, 20);
    (await last).conn.destroy();
    assert.equal(clock.pending, 0);
  });

  test("an acquire with an aborted signal rejects even when a connection is idle", async () => {
    const { connections } = make();
    (await connections.acquire("h:1")).release();
    assert.equal(await rejection(connections.acquire("h:1", { signal: AbortSignal.abort("before") })), "before");
    assert.equal(connections.stats().idle, 1);
    await connections.close();
  });

  test("acquires beyond maxWaiting reject, not counting those with a dial in progress", async () => {
    const { dialer } = manual();
    const { connections } = make({ dialer, maxOpen: 2, maxWaiting: 1 });
    const asked = [1, 2, 3].map(() => rejection(connections.acquire("h:1")));
    const error = await rejection(connections.acquire("h:1"));
    assert.ok(error instanceof PoolFullError);
    assert.equal(error.reason, "pool_exhausted");
    assert.equal(
      error.message,
      "acquire h:1: too many acquires are waiting (0 of 2 in use, 2 being dialed, 3 waiting)",
    );
    await connections.close();
    for (const each of asked) assert.ok((await each) instanceof PoolClosedError);
  });

  test("a signal aborted after its acquire succeeded does not affect the lease", async () => {
    const { connections } = make();
    const controller = new AbortController();
    const lease = await connections.acquire("h:1", { signal: controller.signal });
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    controller.abort();
    await turns();
    assert.equal(lease.conn.destroyed, false);
    await connections.close();
  });
});

describe("the dials of a pool", () => {
  test("open connections and dials of one target never exceed maxOpen", async () => {
    const { dials, dialer } = manual();
    const { connections } = make({ dialer, maxOpen: 2 });
    const asked = ["h:1", "h:1", "h:1", "other:1"].map((target) => connections.acquire(target));
    assert.deepEqual(
      dials.map(({ target }) => target),
      ["h:1", "h:1", "other:1"],
    );
    for (const dial of dials) dial.resolve(connection());
    const first = await asked[0];
    first?.release();
    const leases = await Promise.all(asked);
    assert.equal(leases[2]?.conn, first?.conn);
    assert.equal(dials.length, 3);
    await connections.close();
  });

  test("a failed dial rejects the waiter at the head of the queue, and the next waiter gets a dial", async () => {
    const { dials, dialer } = manual();
    const { connections } = make({ dialer, maxOpen: 1 });
    const first = rejection(connections.acquire("h:1"));
    const second = connections.acquire("h:1");
    dials[0]?.reject(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));
    const error = await first;
    assert.ok(error instanceof DialError);
    assert.deepEqual(
      [error.reason, error.code, error.message],
      ["refused", "ECONNREFUSED", "dial h:1: connect ECONNREFUSED"],
    );
    await turns();
    dials[1]?.resolve(connection());
    (await second).release();
    const { failures, misses, idle } = connections.stats();
    assert.deepEqual([failures, misses, idle], [1, 1, 1]);
    await connections.close();
  });

  test("the first acquire gets the first connection, whichever acquire started the dial", async () => {
    const { dials, dialer } = manual();
    const { connections } = make({ dialer });
    const first = connections.acquire("h:1");
    const second = connections.acquire("h:1");
    const [slow, fast] = [connection(), connection()];
    dials[1]?.resolve(fast);
    assert.equal((await first).conn, fast);
    dials[0]?.resolve(slow);
    assert.equal((await second).conn, slow);
    await connections.close();
  });

  test("a dial continues when its acquire gets another connection, and the new connection is kept", async () => {
    const { dials, dialer } = manual();
    const { connections } = make({ dialer });
    const first = connections.acquire("h:1");
    dials[0]?.resolve(connection());
    const lease = await first;
    const second = connections.acquire("h:1");
    lease.release();
    assert.equal((await second).conn, lease.conn);
    dials[1]?.resolve(connection());
    await turns();
    const { idle, used, misses, hits } = connections.stats();
    assert.deepEqual([idle, used, misses, hits], [1, 1, 1, 1]);
    await connections.close();
  });

  test("an abort cancels the dial unless another waiter needs it", async () => {
    const { dials, dialer } = manual();
    const { connections } = make({ dialer, maxOpen: 2 });
    const controllers = [1, 2, 3].map(() => new AbortController());
    const asked = controllers.map(({ signal }) => rejection(connections.acquire("h:1", { signal })));
    controllers[0]?.abort("first");
    await asked[0];
    await turns();
    assert.deepEqual(
      dials.map(({ signal }) => signal?.aborted),
      [false, false],
      "two waiters need two dials",
    );
    controllers[2]?.abort("third");
    await asked[2];
    await turns();
    assert.deepEqual(
      dials.map(({ signal }) => signal?.aborted),
      [true, false],
      "no waiter needs the first dial",
    );
    assert.equal(connections.stats().dialing, 1);
    controllers[1]?.abort("second");
    await asked[1];
    await turns();
    assert.equal(connections.stats().dialing, 0);
    assert.equal(connections.stats().targets.size, 0);
  });

  test("an acquire that times out aborts its dial with a timeout", async () => {
    const { dials, dialer } = manual();
    const { connections, clock } = make({ dialer, acquireTimeoutMs: 50 });
    const asked = rejection(connections.acquire("h:1"));
    await clock.advance(50);
    assert.ok((await asked) instanceof PoolTimeoutError);
    assert.equal(dials[0]?.signal?.aborted, true);
    assert.equal((dials[0]?.signal?.reason as Error | undefined)?.name, "DialTimeoutError");
    const late = connection();
    dials[0]?.resolve(late);
    await turns();
    assert.equal(late.destroyed, true, "a connection that arrives late is closed");
    assert.equal(clock.pending, 0);
  });

  test("a dial gets the options of the acquire that started it", async () => {
    const { connections, dialer, clock } = make();
    const owner = {};
    const seen: string[] = [];
    const handshake = async (conn: Duplex) => {
      seen.push("handshake");
      return conn;
    };
    const trace = { dialStart: () => void seen.push("dialStart") };
    const lease = await connections.acquire("h:1", { handshake, trace, background: true, owner });
    const options = dialer.calls[0]?.options;
    assert.deepEqual([options?.background, options?.owner, options?.clock], [true, owner, clock]);
    assert.deepEqual(seen, ["dialStart", "handshake"]);
    lease.release();
    await connections.close();
  });

  test("a dial fails when a hook destroys its connection", async () => {
    const { connections } = make();
    const trace = { dialDone: ({ conn }: { conn?: Duplex | undefined }) => void conn?.destroy() };
    const error = await rejection(connections.acquire("h:1", { trace }));
    assert.ok(error instanceof DialError);
    assert.equal(error.reason, "handshake_closed");
    assert.equal(connections.stats().open, 0);
  });
});

test("acquire rejects a malformed target with a TypeError, and counts nothing", async () => {
  const { connections } = make();
  const error = await rejection(connections.acquire("nowhere"));
  assert.ok(error instanceof TypeError);
  assert.equal(connections.stats().failures, 0);
});

test("an idle connection is closed unless validate returns true; a throw or a promise closes it too", async () => {
  const asked: Duplex[] = [];
  const answers: (() => unknown)[] = [() => true, () => false, () => Promise.resolve(true)];
  answers.push(() => {
    throw new Error("validate");
  });
  const validate = (conn: Duplex) => {
    asked.push(conn);
    return answers.shift()?.() as boolean;
  };
  const { connections } = make({ validate });
  const first = await connections.acquire("h:1");
  first.release();
  for (const reused of [true, false, false, false]) {
    const lease = await connections.acquire("h:1");
    assert.equal(lease.reused, reused);
    lease.release();
  }
  assert.equal(asked[0], first.conn);
  assert.equal(connections.stats().evictions.unhealthy, 3);
  await connections.close();
});

test("a connection that validate destroys is not leased, even when it returns true", async () => {
  const { connections } = make({ validate: (conn) => Boolean(conn.destroy()) });
  const first = await connections.acquire("h:1");
  first.release();
  const second = await connections.acquire("h:1");
  assert.deepEqual([second.reused, second.conn.destroyed], [false, false]);
  await connections.close();
});

test("close does not wait for a promise of validate that never settles, and counts its connection once", async () => {
  const { connections } = make({ validate: (() => new Promise(() => {})) as never });
  const first = await connections.acquire("h:1");
  first.release();
  const rejected = rejection(connections.acquire("h:1"));
  assert.equal(first.conn.destroyed, true);
  await connections.close();
  assert.ok((await rejected) instanceof PoolClosedError);
  const { open, evictions } = connections.stats();
  assert.deepEqual([open, evictions.unhealthy, evictions.drain], [0, 1, 0]);
});

for (const end of ["drain", "close"] as const) {
  for (const answer of [true, false, "throw"] as const) {
    test(`a validate that calls ${end} and answers ${answer} ends each connection once`, async () => {
      const { connections, clock } = make({
        validate: () => {
          void connections[end]();
          if (answer === "throw") throw new Error("validate");
          return answer;
        },
      });
      const leases = await Promise.all(Array.from({ length: 3 }, () => connections.acquire("h:1")));
      for (const lease of leases) lease.release();
      assert.ok((await rejection(connections.acquire("h:1"))) instanceof PoolClosedError);
      await connections.drain();
      const { open, failures, evictions } = connections.stats();
      assert.deepEqual([open, failures, evictions.drain, evictions.unhealthy], [0, 1, 3, 0]);
      assert.ok(leases.every(({ conn }) => conn.destroyed));
      assert.equal(clock.pending, 0);
    });
  }
}

test("an acquire from a hook of another acquire does not lose the first", async () => {
  const { dials, dialer } = manual();
  const { connections, clock } = make({
    dialer,
    ttlMs: 10,
    trace: {
      evicted: ({ target }) => void connections.acquire(target, { signal: AbortSignal.abort() }).catch(() => {}),
    },
  });
  const first = connections.acquire("h:1");
  dials[0]?.resolve(connection());
  (await first).release();
  await clock.advance(20);
  const asked = rejection(connections.acquire("h:1"));
  assert.equal(connections.stats().waiting, 1);
  await connections.close();
  assert.ok((await asked) instanceof PoolClosedError);
});

test("an acquire rejects when a hook closes the pool during the call", async () => {
  const { connections, clock, dialer } = make({ ttlMs: 10, trace: { evicted: () => void connections.close() } });
  (await connections.acquire("h:1")).release();
  await clock.advance(20);
  assert.ok((await rejection(connections.acquire("h:1"))) instanceof PoolClosedError);
  assert.equal(dialer.calls.length, 1);
  await connections.close();
  assert.equal(clock.pending, 0);
});

describe("the end of a pool", () => {
  test("drain() waits for leases, closes idle connections and rejects waiting acquires", async () => {
    const { connections, clock } = make({ maxOpen: 1 });
    const elsewhere = await connections.acquire("other:1");
    elsewhere.release();
    const leased = await connections.acquire("h:1");
    const waiting = rejection(connections.acquire("h:1"));
    let drained = false;
    const draining = connections.drain().then(() => {
      drained = true;
    });
    const error = await waiting;
    assert.ok(error instanceof PoolClosedError);
    assert.deepEqual([error.reason, error.message], ["pool_exhausted", "acquire h:1: the pool is closed"]);
    for (const target of ["h:1", "other:1", "new:1"]) {
      assert.ok((await rejection(connections.acquire(target))) instanceof PoolClosedError);
    }
    assert.equal(elsewhere.conn.destroyed, true);
    await turns();
    assert.deepEqual([drained, leased.conn.destroyed], [false, false]);
    leased.release();
    await draining;
    assert.equal(leased.conn.destroyed, true);
    assert.equal(connections.stats().evictions.drain, 2);
    assert.equal(clock.pending, 0);
    await connections.drain();
    await connections.close();
  });

  test("close() destroys leased connections and aborts dials, even after drain() was called", async () => {
    const { dials, dialer } = manual();
    const { connections, clock } = make({ dialer });
    const asked = connections.acquire("h:1");
    dials[0]?.resolve(connection());
    const leased = await asked;
    const dialing = rejection(connections.acquire("h:1"));
    const draining = connections.drain();
    assert.equal(dials[1]?.signal?.aborted, true);
    await connections.close();
    await draining;
    assert.ok((await dialing) instanceof PoolClosedError);
    assert.equal(leased.conn.destroyed, true);
    leased.release();
    assert.equal(connections.stats().doubleReleases, 0);
    assert.equal(clock.pending, 0);
    await connections.close();
  });

  test("a pool is closed at the end of its scope by await using", async () => {
    const { connections } = make();
    const lease = await connections.acquire("h:1");
    {
      await using closing = connections;
      assert.equal(closing.stats().used, 1);
    }
    assert.equal(lease.conn.destroyed, true);
  });

  test("drain() of an unused pool resolves immediately", async () => {
    await make().connections.drain();
    await make().connections.close();
  });
});

test("stats() counts per target, and keeps the counts of removed targets in the totals", async () => {
  const { connections } = make({ maxIdle: 1 });
  const a = await connections.acquire("a:1");
  const b = await connections.acquire("b:1");
  a.release(new Error("broken"));
  b.release();
  const { targets, ...total } = connections.stats();
  assert.deepEqual([...targets.keys()], ["b:1"]);
  assert.deepEqual(targets.get("b:1"), {
    open: 1,
    idle: 1,
    used: 0,
    dialing: 0,
    waiting: 0,
    hits: 0,
    misses: 1,
    timeouts: 0,
    canceled: 0,
    failures: 0,
    evictions: { idle: 0, max_lifetime: 0, overflow: 0, stale: 0, unhealthy: 0, destroyed: 0, drain: 0 },
    doubleReleases: 0,
  });
  assert.deepEqual([total.open, total.misses, total.evictions.unhealthy], [1, 2, 1]);
  await connections.close();
});

test("a target without connections, dials and waiters is removed from the pool", async () => {
  const { connections, clock } = make({ idleTimeoutMs: 50, maxLifetimeMs: Number.POSITIVE_INFINITY });
  for (let host = 0; host < 20; host += 1) (await connections.acquire(`h${host}:1`)).release();
  assert.equal(connections.stats().targets.size, 20);
  await clock.advance(50);
  const { targets, misses, evictions } = connections.stats();
  assert.deepEqual([targets.size, misses, evictions.idle], [0, 20, 20]);
  assert.equal(clock.pending, 0);
});

test("ten thousand acquires of one connection are all served, or all rejected on abort", async () => {
  const { connections, clock } = make({ maxOpen: 1 });
  const order: number[] = [];
  const ask = async (id: number) => {
    using lease = await connections.acquire("h:1");
    order.push(id);
    return lease.reused;
  };
  await Promise.all(Array.from({ length: 10_000 }, (_none, id) => ask(id)));
  assert.deepEqual(
    order,
    Array.from({ length: 10_000 }, (_none, id) => id),
  );

  const lease = await connections.acquire("h:1");
  const controller = new AbortController();
  const { signal } = controller;
  const asked = Array.from({ length: 10_000 }, () => rejection(connections.acquire("h:1", { signal })));
  controller.abort("enough");
  assert.ok((await Promise.all(asked)).every((error) => error === "enough"));
  lease.release();
  assert.equal(connections.stats().canceled, 10_000);
  await connections.close();
  assert.equal(clock.pending, 0);
});

describe("pool() options", () => {
  const dialer = scriptedDialer();
  const rows: readonly (readonly [object, string, string | RegExp])[] = [
    [{}, "TypeError", "pool: dialer must be a function, got undefined"],
    [{ dialer, size: 5 }, "TypeError", /^pool: unknown option size; the options are dialer, maxOpen/],
    [{ dialer, maxOpen: 0 }, "RangeError", "pool: maxOpen must be a whole number of at least 1, or Infinity, got 0"],
    [{ dialer, maxIdle: -1 }, "RangeError", "pool: maxIdle must be a whole number of at least 0, or Infinity, got -1"],
    [{ dialer, minIdle: 1.5 }, "RangeError", /^pool: minIdle must be a whole number .* got 1.5$/],
    [
      { dialer, maxIdle: 2, minIdle: 3 },
      "RangeError",
      "pool: minIdle must not be above maxIdle (2) or maxOpen (10), got 3",
    ],
    [{ dialer, ttlMs: 0 }, "RangeError", /^pool: ttlMs must be a number of milliseconds .* got 0$/],
    [{ dialer, idleTimeoutMs: Number.NaN }, "RangeError", /^pool: idleTimeoutMs .* got NaN$/],
    [{ dialer, maxLifetimeMs: "1h" }, "RangeError", /^pool: maxLifetimeMs .* got "1h"$/],
    [{ dialer, acquireTimeoutMs: 2 ** 31 }, "RangeError", /^pool: acquireTimeoutMs .* got 2147483648$/],
    [{ dialer, maxLifetimeJitter: 2 }, "RangeError", "pool: maxLifetimeJitter must be a number from 0 to 1, got 2"],
    [{ dialer, maxWaiting: -1 }, "RangeError", /^pool: maxWaiting .* got -1$/],
    [{ dialer, validate: true }, "TypeError", "pool: validate must be a function, got true"],
    [
      { dialer, trace: "hooks" },
      "TypeError",
      'pool: trace must be hooks, an observer or an array of them, got "hooks"',
    ],
    [{ dialer, random: 4 }, "TypeError", "pool: random must be a function, got 4"],
  ];
  for (const [options, name, message] of rows) {
    test(`pool() refuses options at construction: ${message}`, () =>
      assert.throws(() => pool(options as never), { name, message }));
  }
});
