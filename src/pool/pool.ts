import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer, DialOptions } from "../core/dialer.ts";
import { parseTargetOf, type TargetLike } from "../core/target.ts";
import { compose } from "../engine/compose.ts";
import { contextOf, type DialContext, type Run, runOf } from "../engine/context.ts";
import { announce, Layer, type LayerTraits, layerOf, setRecord } from "../engine/layer-info.ts";
import { delayed, within } from "../engine/worst-case.ts";
import { markFactories } from "../support/roles.ts";
import { Counters } from "./counters.ts";
import { PoolEvents } from "./events.ts";
import type { Lease } from "./lease.ts";
import { type PoolOptions, type PoolSettings, settingsOf } from "./options.ts";
import type { ObservedPool, PoolStats } from "./pool-trace.ts";
import { type Sweep, Sweeper } from "./sweeper.ts";
import { TargetPool } from "./target-pool.ts";
import type { TargetPoolHost } from "./target-pool-host.ts";

/** Options of {@link Pool.acquire}: those of a dial, except its clock. */
export type AcquireOptions<C extends Duplex = Socket> = Omit<DialOptions<C>, "clock">;

/** A pool of connections per target, made by {@link pool}. */
export interface Pool<C extends Duplex = Socket> extends ObservedPool, AsyncDisposable {
  /**
   * Leases a connection to `target`: the idle connection that was used last, or else the next one that is released or
   * dialed. Waiting acquires are served in the order of the calls. An abort or a timeout rejects immediately, and
   * cancels the dial unless another waiter needs it.
   *
   * `options` apply to the dial that this acquire starts, if it starts one. The waiter at the head of the queue gets the
   * result of that dial, so use the same handshake for every acquire of a target.
   *
   * Rejects with the signal's reason when the caller aborts, and with a `TypeError` when the target is malformed.
   * Otherwise rejects with a {@link DialError}: that of the dial, a {@link PoolTimeoutError}, a {@link PoolFullError}
   * or a {@link PoolClosedError}.
   */
  acquire(target: TargetLike, options?: AcquireOptions<C>): Promise<Lease<C>>;
  /**
   * Closes the pool gracefully: rejects waiting and later acquires, closes idle connections, and closes leased ones as
   * they are released. Resolves when no connection is left. May be called more than once.
   */
  drain(): Promise<void>;
  /** As {@link Pool.drain}, and destroys leased connections. Called by `await using`. May be called more than once. */
  close(): Promise<void>;
  /** Returns a snapshot of the pool's state and totals. */
  stats(): PoolStats;
}

/**
 * Makes a pool that keeps connections separately for each target. The design follows go-micro's pool and `database/sql`.
 *
 * A leased connection behaves like a new one: nothing was read from it, and no data flows before a listener is added. An
 * idle connection that turns readable or that its peer ends is closed immediately. Idle connections keep the process
 * alive, as any open socket does: close the pool, or dial with `tcp({ unref: true })`.
 *
 * @throws RangeError or TypeError naming the option.
 * @example
 * const connections = pool({ dialer: compose(withTimeout({ timeoutMs: 2_000 }), tcp()), maxOpen: 20 });
 * await using lease = await connections.acquire("db.internal:5432", { signal });
 * lease.conn.write("ping");
 * @see https://github.com/micro/go-micro/blob/master/util/pool/default.go
 */
export function pool<C extends Duplex = Socket>(options: PoolOptions<C>): Pool<C> {
  const settings = settingsOf(options);
  const dialer = compose(options.dialer);
  const connections = new ConnectionPool(settings, dialer);
  describeAs(connections, settings, layerOf(dialer));
  if (options.trace !== undefined) connections.events.observe(options.trace, connections);
  return connections;
}

markFactories({ pool });

/** Makes the pool a layer above its dialer, for `describe`. */
function describeAs<C extends Duplex>(connections: object, settings: PoolSettings<C>, dialer: Layer): void {
  const { maxOpen, maxIdle, minIdle, maxWaiting, acquireTimeoutMs, idleTimeoutMs, maxLifetimeMs } = settings;
  const traits: LayerTraits = {
    factory: "pool",
    bounds: acquireTimeoutMs !== Number.POSITIVE_INFINITY,
    timeout: { option: "acquireTimeoutMs", ms: acquireTimeoutMs },
    options: () => ({ maxOpen, maxIdle, minIdle, maxWaiting, acquireTimeoutMs, idleTimeoutMs, maxLifetimeMs }),
    // An acquire may wait for another caller's connection, for any time.
    worstCase: (beneath) => within(delayed(beneath(acquireTimeoutMs), Number.POSITIVE_INFINITY), acquireTimeoutMs),
  };
  const layer = new Layer(traits, "middleware", [dialer]);
  setRecord(connections, { run: undefined, layer, isComposition: false });
  announce(layer);
}

class ConnectionPool<C extends Duplex> implements Pool<C>, TargetPoolHost<C> {
  readonly settings: PoolSettings<C>;
  readonly events = new PoolEvents();
  readonly dialer: Dialer<C>;
  readonly run: Run<C>;
  readonly backgroundContext: DialContext<C>;
  readonly #targets = new Map<string, TargetPool<C>>();
  readonly #totals = new Counters();
  readonly #sweeper: Sweeper;
  #drained: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(settings: PoolSettings<C>, dialer: Dialer<C>) {
    this.settings = settings;
    this.dialer = dialer;
    this.run = runOf(dialer);
    this.backgroundContext = contextOf<C>({ background: true, owner: this, clock: settings.clock }, dialer);
    this.#sweeper = new Sweeper(settings.clock, (now) => this.#sweep(now));
  }

  get maxOpen(): number {
    return this.settings.maxOpen;
  }

  acquire(target: TargetLike, options?: AcquireOptions<C>): Promise<Lease<C>> {
    try {
      return this.#partFor(target).acquire(options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  drain(): Promise<void> {
    if (this.#drained === undefined) {
      let resolve = () => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#drained = { promise, resolve };
      this.#sweeper.stop();
      const reason = new DOMException("the pool is closed", "AbortError");
      for (const part of [...this.#targets.values()]) part.drain(reason);
      this.#endWhenEmpty();
    }
    return this.#drained.promise;
  }

  close(): Promise<void> {
    const drained = this.drain();
    for (const part of [...this.#targets.values()]) part.destroyUsed();
    return drained;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  stats(): PoolStats {
    const gauges = { open: 0, idle: 0, used: 0, dialing: 0, waiting: 0 };
    const targets = new Map([...this.#targets].map(([key, part]) => [key, part.counts()]));
    for (const counts of targets.values()) {
      for (const gauge of ["open", "idle", "used", "dialing", "waiting"] as const) gauges[gauge] += counts[gauge];
    }
    return { ...this.#totals.with(gauges), targets };
  }

  idled(at: number, now: number): void {
    this.#sweeper.schedule(at, now);
  }

  emptied(part: TargetPool<C>): void {
    // With minIdle, a target is kept from its first acquire on.
    if (this.settings.minIdle > 0 && this.#drained === undefined) return;
    const key = String(part.target);
    if (this.#targets.get(key) === part) this.#targets.delete(key);
    if (this.#targets.size === 0) this.#sweeper.stop();
    this.#endWhenEmpty();
  }

  #endWhenEmpty(): void {
    if (this.#drained === undefined || this.#targets.size > 0) return;
    this.#drained.resolve();
    this.events.end();
  }

  #partFor(target: TargetLike): TargetPool<C> {
    // The text of a target parses to that target: most acquires need no parsing.
    const known = typeof target === "string" ? this.#targets.get(target) : undefined;
    if (known !== undefined) return known;
    const parsed = parseTargetOf("acquire", target);
    const key = String(parsed);
    let part = this.#targets.get(key);
    if (part === undefined) {
      part = new TargetPool(parsed, this, new Counters(this.#totals));
      if (this.#drained !== undefined) part.drain(undefined);
      else this.#targets.set(key, part);
    }
    return part;
  }

  #sweep(now: number): Sweep {
    let next = Number.POSITIVE_INFINITY;
    let examined = 0;
    for (const part of [...this.#targets.values()]) {
      const swept = part.sweep(now);
      next = Math.min(next, swept.next);
      examined += swept.examined;
    }
    return { next, examined };
  }
}
