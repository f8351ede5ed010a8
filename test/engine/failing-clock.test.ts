/** Dials, pools and their observers on a clock that works at first and fails at each of its later calls. */
import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import type { Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { Registry } from "prom-client";
import { systemClock } from "../../src/async/clock.ts";
import { withBreaker } from "../../src/breaker.ts";
import {
  type Clock,
  compose,
  type Dialer,
  type Lookup,
  pool,
  tcp,
  withConcurrencyLimit,
  withFailover,
  withRateLimit,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { withTracing } from "../../src/otel.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { freePort, goodPeer, type Peer } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";

/** Ways in which a method of the clock may fail. */
const failures = {
  "now() throws": { now: true, fail: () => assert.fail("no time") },
  "now() returns NaN": { now: true, fail: () => Number.NaN },
  "setTimeout() throws": { setTimeout: true, fail: () => assert.fail("no timer") },
  "clearTimeout() throws": { clearTimeout: true, fail: () => assert.fail("no timer to clear") },
  "every method throws": { now: true, setTimeout: true, clearTimeout: true, fail: () => assert.fail("no clock") },
} as const;

type Failure = Partial<Record<keyof Clock, true>> & { readonly fail: () => never | number };

/** A clock of which the given methods fail from their call `from` on, or only at that call. */
class FailingClock implements Clock {
  calls = 0;
  readonly #failure: Failure;
  readonly #from: number;
  readonly #until: number;
  readonly #timers = new Set<unknown>();

  constructor(failure: Failure, from: number, until = Number.POSITIVE_INFINITY) {
    this.#failure = failure;
    this.#from = from;
    this.#until = until;
  }

  now(): number {
    return this.#fails("now") ? this.#failure.fail() : systemClock.now();
  }

  setTimeout(callback: () => void, ms: number): unknown {
    if (this.#fails("setTimeout")) return this.#failure.fail();
    const fired = () => {
      this.#timers.delete(timer);
      callback();
    };
    const timer = systemClock.setTimeout(fired, ms);
    this.#timers.add(timer);
    return timer;
  }

  /** Clears the timer even when it fails: a timer that stays is not the fault of the package. */
  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer);
    systemClock.clearTimeout(timer);
    if (this.#fails("clearTimeout")) this.#failure.fail();
  }

  /** Timers that have neither fired nor been cleared. */
  get pending(): number {
    return this.#timers.size;
  }

  #fails(method: keyof Clock): boolean {
    if (this.#failure[method] === undefined) return false;
    this.calls += 1;
    return this.calls >= this.#from && this.calls < this.#until;
  }
}

let server: Peer;
let refused: string;
before(async () => {
  server = await goodPeer();
  refused = `127.0.0.1:${await freePort()}`;
});
after(() => server.close());

/** The second address is that of the server: the race sets a timer for it. */
const twoAddresses: Lookup = (_host, { family }, done) =>
  done(null, family === 4 ? ["127.0.0.2", "127.0.0.1"].map((address) => ({ address, family })) : []);

/** Counts the starts and ends that an observer receives. */
function counting() {
  const counts: Record<string, number> = {};
  const count = (name: string, by: number) => () => {
    counts[name] = (counts[name] ?? 0) + by;
  };
  const hooks = {
    dialStart: count("dials", 1),
    dialDone: count("dials", -1),
    attemptStart: count("attempts", 1),
    attemptDone: count("attempts", -1),
    connectStart: count("connects", 1),
    connectDone: count("connects", -1),
  };
  return { counts, observer: withTrace(hooks) };
}

/** Every layer, over a target that refuses and one that accepts. */
function fullStack(): { dial: Dialer; counts: Record<string, number>; name: string } {
  const { counts, observer } = counting();
  const name = `h.test:${server.port}`;
  const dial = compose(
    withPrometheus({ registry: new Registry(), name: "failing" }),
    withTracing({ tracerProvider: new BasicTracerProvider() }),
    observer,
    withTimeout({ timeoutMs: 5_000 }),
    withRetry({ initialBackoffMs: 1, jitter: "none" }),
    withFailover({ targets: [refused, name] }),
    withBreaker({ breaker: { sampling: { threshold: 0.9, durationMs: 1_000, minimumRps: 5 } } }),
    withConcurrencyLimit({ maxConcurrent: 1 }),
    withRateLimit({ dialsPerSecond: 500, burst: 1 }),
    withTimeout({ timeoutMs: 2_000 }),
    tcp({ lookup: twoAddresses }),
  );
  return { dial, counts, name };
}

const settled = <T>(promise: Promise<T>): Promise<T | undefined> =>
  Promise.race([
    promise.catch(() => undefined),
    new Promise<never>((_resolve, reject) => {
      setTimeout(() => reject(new Error("the promise does not settle")), 60_000).unref();
    }),
  ]);

async function ended(conn: Socket | undefined): Promise<void> {
  if (conn === undefined || conn.destroyed) return;
  conn.destroy();
  await once(conn, "close");
}

/** Maximum number of calls of a clock at which a test lets it fail. */
const maxCallsTried = 12;

/** What a clock is used for. Resolves when everything has ended. */
const uses: Readonly<Record<string, (clock: Clock) => Promise<Record<string, number>>>> = {
  "a dial of tcp()": async (clock) => {
    const { counts, observer } = counting();
    const { signal } = new AbortController();
    const options = { clock, signal, trace: { connClosed() {} } };
    const dial = compose(observer, tcp({ timeoutMs: 2_000 }));
    await ended(await settled(dial(server.address, options)));
    assert.equal(getEventListeners(signal, "abort").length, 0);
    return counts;
  },
  "dials of all layers": async (clock) => {
    const { dial, counts, name } = fullStack();
    const { signal } = new AbortController();
    const dials = [1, 2, 3].map(() => settled(dial(name, { clock, signal })));
    for (const conn of await Promise.all(dials)) await ended(conn);
    assert.equal(getEventListeners(signal, "abort").length, 0);
    return counts;
  },
  "a dial that times out": async (clock) => {
    const { counts, observer } = counting();
    const { signal } = new AbortController();
    const hanging: Dialer = (_target, { signal: abort } = {}) =>
      new Promise((_resolve, reject) => abort?.addEventListener("abort", () => reject(abort.reason), { once: true }));
    const dial = compose(observer, withTimeout({ timeoutMs: 5 }), hanging);
    await settled(dial("h:1", { clock, signal }));
    assert.equal(getEventListeners(signal, "abort").length, 0);
    return counts;
  },
  "a pool": async (clock) => {
    const { dial, counts, name } = fullStack();
    const options = { minIdle: 1, maxOpen: 2, idleTimeoutMs: 2, maxLifetimeMs: 20, acquireTimeoutMs: 1_000 };
    const connections = pool({ dialer: dial, clock, ...options });
    const acquired = [1, 2, 3].map(async () => {
      const lease = await settled(connections.acquire(name));
      // A later turn, so that the third acquire waits.
      await new Promise((resolve) => setImmediate(resolve));
      lease?.release();
    });
    await Promise.all(acquired);
    await new Promise((resolve) => setTimeout(resolve, 6));
    await settled(connections.close());
    const { open, idle, used, dialing, waiting } = connections.stats();
    assert.deepEqual({ open, idle, used, dialing, waiting }, { open: 0, idle: 0, used: 0, dialing: 0, waiting: 0 });
    return counts;
  },
  "a pool whose acquires time out": async (clock) => {
    const connections = pool({ dialer: compose(tcp()), clock, maxOpen: 1, acquireTimeoutMs: 5 });
    const lease = await settled(connections.acquire(server.address));
    await Promise.all([1, 2].map(() => settled(connections.acquire(server.address))));
    lease?.release();
    await settled(connections.close());
    return {};
  },
};

for (const [what, use] of Object.entries(uses)) {
  describe(`${what} on a clock that fails`, () => {
    for (const [how, failure] of Object.entries(failures)) {
      for (const once of [false, true]) {
        test(`${what} settles and leaves nothing when ${how} ${once ? "once" : "from then on"}, at any call`, async () => {
          const healthy = new FailingClock(failure, Number.POSITIVE_INFINITY);
          await use(healthy);
          const nothingOpen = () => server.open.size === 0 && openSockets() === 0;
          await until(nothingOpen, "the healthy connections are closed");
          const step = Math.ceil(healthy.calls / maxCallsTried);
          // From another call in each run, so that all are tried in the end.
          for (let from = 1 + Math.floor(Math.random() * step); from <= healthy.calls + 2; from += step) {
            const clock = new FailingClock(failure, from, once ? from + 1 : undefined);
            const where = `${how} at call ${from} of ${healthy.calls}`;
            let counts = {};
            try {
              counts = await use(clock);
            } catch (error) {
              // A pool checks its clock when it is made.
              assert.ok(from === 1 && "now" in failure, `${where}: ${(error as Error).stack}`);
            }
            await until(nothingOpen, `${where}: no socket is left`);
            await until(() => clock.pending === 0, `${where}: no timer is left`);
            for (const [name, open] of Object.entries(counts))
              assert.equal(open, 0, `${where}: ${name} without an end`);
          }
        });
      }
    }
  });
}
