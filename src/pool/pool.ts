import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer, DialOptions } from "../core/dialer.ts";
import { parseTarget, type TargetLike } from "../core/target.ts";
import { compose } from "../engine/compose.ts";
import { contextOf, type DialContext, type Run, runOf } from "../engine/context.ts";
import { markFactories } from "../support/roles.ts";
import { Counters } from "./counters.ts";
import { PoolEvents } from "./events.ts";
import type { Lease } from "./lease.ts";
import { type PoolOptions, type PoolSettings, settingsOf } from "./options.ts";
import type { ObservedPool, PoolStats } from "./pool-trace.ts";
import { type Sweep, Sweeper } from "./sweeper.ts";
import { TargetPool, type TargetPoolHost } from "./target-pool.ts";

/** What one may say about asking a pool for a connection: what one says about a dial, but for its clock. */
export type AcquireOptions<C extends Duplex = Socket> = Omit<DialOptions<C>, "clock">;

/** Keeps connections, and lends them. Made by {@link pool}. */
export interface Pool<C extends Duplex = Socket> extends ObservedPool, AsyncDisposable {
  /**
   * Lends a connection to `target`: the one that was used last among those that are idle, or else the next that
   * is given back or dialed. Callers are served in the order in which they asked. One who aborts, or whose
   * time is up, is told at once, and a dial that is then not needed by anybody else is aborted, too.
   *
   * Hooks, handshake and all else in `options` are for the dial, where one is begun for this caller. What that dial brings, or
   * fails with, goes to whose turn it is: ask for one target with one handshake.
   *
   * Rejects with the signal's own reason when the caller aborts; else with a {@link DialError}: the dial's, a
   * {@link PoolTimeoutError}, a {@link PoolFullError} or a {@link PoolClosedError}, and with a `TypeError` when the
   * target is malformed.
   */
  acquire(target: TargetLike, options?: AcquireOptions<C>): Promise<Lease<C>>;
  /**
   * Ends the pool in peace: nobody gets a connection any more, who waits is told so, idle connections are closed, leased
   * ones when they are given back. Resolves when none is left. May be called again.
   */
  drain(): Promise<void>;
  /** Ends the pool: as {@link Pool.drain}, and destroys what is leased. `await using` calls it. May be called again. */
  close(): Promise<void>;
  stats(): PoolStats;
}

/**
 * Makes a pool of connections, for each target its own, after go-micro's and with what `database/sql` has besides.
 *
 * A connection is handed out as a fresh one is: nothing of it has been read, and nothing flows until somebody listens. An
 * idle one on which anything arrives, or that its peer ends, is closed at once. Idle connections keep the process alive, as
 * any open socket does: end the pool when its work is done, or dial with `tcp({ unref: true })`.
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
  const connections = new ConnectionPool(settings, compose(options.dialer));
  if (options.trace !== undefined) connections.events.observe(options.trace, connections);
  return connections;
}

markFactories({ pool });

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
    // Who asked once is kept ready for.
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
    // A target's own text is read as that target again: most callers need no reading of it.
    const known = typeof target === "string" ? this.#targets.get(target) : undefined;
    if (known !== undefined) return known;
    const parsed = parseTarget(target);
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
