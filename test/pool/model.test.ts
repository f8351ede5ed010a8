import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { type Lease, pool } from "../../src/index.ts";
import { fakeClock } from "../../src/testing.ts";
import { connection, type Deferred, deferred, turns } from "../support/contract.ts";
import { type Answer, type ModelConn, type ModelSettings, PoolModel } from "./pool-model.ts";

/** Weights of the steps: mostly acquires and releases, few failures, and drain or close only near the end. */
const kinds = [
  ...Array<"acquire">(6).fill("acquire"),
  ...Array<"release">(4).fill("release"),
  ...Array<"dial succeeds">(4).fill("dial succeeds"),
  ...Array<"time passes">(3).fill("time passes"),
  "dial fails",
  "release with an error",
  "release once more",
  "release unread",
  "abort",
  "idle turns readable",
  "idle ends",
  "idle is destroyed",
  "leased is destroyed",
] as const;

const step = fc.record({ kind: fc.constantFrom(...kinds), pick: fc.nat(1000) });
type Step = { readonly kind: (typeof kinds)[number]; readonly pick: number };

const settings: fc.Arbitrary<ModelSettings> = fc
  .record({
    maxOpen: fc.integer({ min: 1, max: 6 }),
    idleShare: fc.integer({ min: 0, max: 6 }),
    minIdle: fc.constantFrom(0, 0, 1, 2),
    maxWaiting: fc.constantFrom(Number.POSITIVE_INFINITY, 0, 3),
    ttlMs: fc.constantFrom(Number.POSITIVE_INFINITY, 300),
    idleTimeoutMs: fc.constantFrom(Number.POSITIVE_INFINITY, 150),
    maxLifetimeMs: fc.constantFrom(Number.POSITIVE_INFINITY, 700),
    acquireTimeoutMs: fc.constantFrom(Number.POSITIVE_INFINITY, 150),
  })
  .map(({ maxOpen, idleShare, minIdle, maxLifetimeMs, ...rest }) => {
    const maxIdle = Math.min(maxOpen, idleShare);
    const lifetimeMs = maxLifetimeMs * (1 - 0.2 * random);
    return { ...rest, maxOpen, maxIdle, minIdle: Math.min(minIdle, maxIdle), lifetimeMs, random };
  });

/** Odd numbers, so that no two timers are due at the same moment by chance. */
const random = 0.47131;

/** Applies each step to the pool and to the model, and compares them. */
class Both {
  readonly clock = fakeClock();
  readonly model: PoolModel;
  readonly pool;
  readonly dials: Deferred<Duplex>[] = [];
  readonly conns: Duplex[] = [];
  readonly answers = new Map<number, Answer>();
  readonly leases = new Map<number, Lease<Duplex>>();
  readonly released: Lease<Duplex>[] = [];
  readonly controllers = new Map<number, AbortController>();
  #asked = 0;
  readonly #maxOpen: number;

  constructor(given: ModelSettings) {
    this.model = new PoolModel(given);
    this.#maxOpen = given.maxOpen;
    const { lifetimeMs, random, ...options } = given;
    this.pool = pool({
      ...options,
      maxLifetimeMs: lifetimeMs / (1 - 0.2 * random),
      maxLifetimeJitter: 0.2,
      random: () => random,
      clock: this.clock,
      dialer: () => {
        const dial = deferred<Duplex>();
        this.dials.push(dial);
        return dial.promise;
      },
    });
  }

  async take({ kind, pick }: Step): Promise<void> {
    const { model } = this;
    const used = model.used[pick % model.used.length];
    const idle = model.idle[pick % model.idle.length];
    const dial = model.dials[pick % model.dials.length]?.id;
    switch (kind) {
      case "acquire":
        this.#acquire();
        break;
      case "release":
        if (used !== undefined) this.#release(used, true);
        break;
      case "release with an error":
        if (used !== undefined) this.#release(used, false, new Error("broken"));
        break;
      case "release unread":
        if (used === undefined) break;
        this.#conn(used).push("unread");
        this.#release(used, false);
        break;
      case "release once more": {
        const lease = this.released[pick % this.released.length];
        if (lease === undefined) break;
        model.counts.doubleReleases += 1;
        lease.release(pick % 2 === 0 ? undefined : new Error("late"));
        break;
      }
      case "abort": {
        const waiter = model.waiters[pick % model.waiters.length];
        if (waiter === undefined) break;
        model.abort(waiter.id);
        this.controllers.get(waiter.id)?.abort("enough");
        break;
      }
      case "dial succeeds": {
        if (dial === undefined) break;
        const conn = connection();
        this.conns.push(conn);
        model.dialed(dial, this.conns.length - 1);
        this.dials[dial]?.resolve(conn);
        break;
      }
      case "dial fails":
        if (dial === undefined) break;
        model.dialFailed(dial);
        this.dials[dial]?.reject(new Error(`dial ${dial}`));
        break;
      case "idle turns readable":
        if (idle !== undefined) this.#lose(idle, (conn) => conn.push("unexpected data"));
        break;
      case "idle ends":
        if (idle !== undefined) this.#lose(idle, (conn) => conn.push(null));
        break;
      case "idle is destroyed":
        if (idle !== undefined) this.#lose(idle, (conn) => conn.destroy(new Error("reset")));
        break;
      case "leased is destroyed":
        if (used !== undefined) this.#lose(used, (conn) => conn.destroy());
        break;
      case "time passes": {
        const ms = 1 + (pick % 300);
        model.pass(ms);
        await this.clock.advance(ms);
        break;
      }
    }
    await turns(3);
    this.agree();
  }

  agree(): void {
    const { model } = this;
    const { targets: _targets, evictions, ...counts } = this.pool.stats();
    assert.deepEqual(
      { ...counts, evictions, dialsBegun: this.dials.length },
      {
        open: model.idle.length + model.used.length,
        idle: model.idle.length,
        used: model.used.length,
        dialing: model.dials.length,
        waiting: model.waiters.length,
        ...model.counts,
        evictions: model.evictions,
        dialsBegun: model.dialsBegun,
      },
    );
    assert.deepEqual([...this.answers].sort(), [...model.answers].sort());
    assert.ok(counts.open + counts.dialing <= this.#maxOpen, "more connections are open or being dialed than maxOpen");
    const { hits, misses, timeouts, canceled, failures, waiting } = counts;
    assert.equal(hits + misses + timeouts + canceled + failures + waiting, this.#asked, "an acquire is lost");
    assert.equal(this.conns.filter((conn) => !conn.destroyed).length, counts.open, "a connection is lost");
  }

  async end(gently: boolean): Promise<void> {
    const { model } = this;
    const ended = gently ? this.pool.drain() : this.pool.close();
    if (gently) model.drain();
    else model.close();
    await turns(3);
    this.agree();
    this.#acquire();
    await turns(1);
    this.agree();
    while (gently && model.used[0] !== undefined) {
      this.#release(model.used[0], true);
      await turns(1);
      this.agree();
    }
    await ended;
    assert.equal(this.clock.pending, 0, "a timer is still pending");
    for (const { signal } of this.controllers.values()) assert.equal(getEventListeners(signal, "abort").length, 0);
    for (const conn of this.conns) assert.ok(conn.destroyed, "a connection is still open");
  }

  #acquire(): void {
    const id = this.#asked;
    this.#asked += 1;
    const controller = new AbortController();
    this.controllers.set(id, controller);
    this.model.acquire(id);
    this.pool.acquire("h:1", { signal: controller.signal }).then(
      (lease) => {
        const conn = this.conns.indexOf(lease.conn);
        this.answers.set(id, conn);
        this.leases.set(conn, lease);
      },
      (error) => this.answers.set(id, nameOf(error)),
    );
  }

  #conn(conn: ModelConn): Duplex {
    return this.conns[conn.id] as Duplex;
  }

  #release(conn: ModelConn, fit: boolean, error?: Error): void {
    const lease = this.leases.get(conn.id);
    assert.ok(lease !== undefined);
    this.leases.delete(conn.id);
    this.released.push(lease);
    this.model.release(conn, fit);
    lease.release(error);
  }

  #lose(conn: ModelConn, how: (conn: Duplex) => unknown): void {
    const real = this.#conn(conn);
    // The leaseholder listens for errors; while the connection is idle the pool does.
    this.model.destroyed(conn);
    how(real);
  }
}

function nameOf(error: unknown): Answer {
  if (error === "enough") return "aborted";
  const { name, cause } = error as Error;
  if (name === "DialError") return `failed ${Number(/dial (\d+)/.exec((cause as Error).message)?.[1])}`;
  return name as Answer;
}

test("a pool agrees with its model after every random step, and loses no waiter, connection or count", async () => {
  let steps = 0;
  const property = fc.asyncProperty(
    settings,
    fc.array(step, { minLength: 200, maxLength: 200, size: "max" }),
    fc.boolean(),
    async (given, plan, gently) => {
      const both = new Both(given);
      for (const each of plan) await both.take(each);
      await both.end(gently);
      steps += plan.length;
    },
  );
  await fc.assert(property, { numRuns: 60, endOnFailure: true });
  assert.ok(steps >= 10_000, `only ${steps} steps`);
});
