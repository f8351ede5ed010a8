import { AsyncResource } from "node:async_hooks";
import type { Duplex } from "node:stream";
import { WaitQueue } from "../async/wait-queue.ts";
import type { DialOptions } from "../core/dialer.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import { contextOf } from "../engine/context.ts";
import { discard } from "../support/connection.ts";
import { Connections } from "./connections.ts";
import type { Counters } from "./counters.ts";
import { Dials, type DialsOwner } from "./dials.ts";
import { describeCounts, PoolClosedError, PoolFullError, PoolTimeoutError, unneededError } from "./errors.ts";
import { Lease, type LeaseHome } from "./lease.ts";
import { MinIdleBackoff } from "./min-idle-backoff.ts";
import type { PoolSettings } from "./options.ts";
import type { PoolEntry, PoolEntryOwner } from "./pool-entry.ts";
import type { AcquireOutcome, PoolCounts } from "./pool-trace.ts";
import { Reporter } from "./reporter.ts";
import type { Sweep } from "./sweeper.ts";
import { repeatedConnection } from "./taken-connections.ts";
import type { TargetPoolHost } from "./target-pool-host.ts";
import type { Caller, Waiter } from "./waiter.ts";

/**
 * The part of a pool for one target. Three invariants hold:
 *
 * - The head of the queue gets the next result: a connection, or the error of a failed dial.
 * - Every waiter has a dial in progress, as long as `maxOpen` permits.
 * - No connection is idle while a waiter is queued.
 */
export class TargetPool<C extends Duplex> implements LeaseHome<C>, PoolEntryOwner<C>, DialsOwner<C> {
  readonly target: Target;
  readonly #host: TargetPoolHost<C>;
  readonly #settings: PoolSettings<C>;
  readonly #reporter: Reporter<C>;
  readonly #conns: Connections<C>;
  readonly #waiters: WaitQueue<Waiter<C>>;
  readonly #dials: Dials<C>;
  readonly #minIdleBackoff: MinIdleBackoff | undefined;
  /** Calls of `acquire` that are taking an idle connection: hooks that run meanwhile must not see an empty pool. */
  #acquiring = 0;
  #closed = false;

  constructor(target: Target, host: TargetPoolHost<C>, counters: Counters) {
    const { settings, run } = host;
    const { clock, acquireTimeoutMs: timeoutMs, minIdle, random } = settings;
    this.target = target;
    this.#host = host;
    this.#settings = settings;
    this.#reporter = new Reporter(target, host.events, counters);
    this.#conns = new Connections(settings, this.#reporter);
    this.#waiters = new WaitQueue({ timeoutMs, onTimeout: (waiter, lateByMs) => this.#timedOut(waiter, lateByMs) });
    this.#dials = new Dials(target, run, this);
    this.#minIdleBackoff =
      minIdle > 0 ? new MinIdleBackoff(clock, random, () => this.#maybeOpenConnections()) : undefined;
  }

  counts(): PoolCounts {
    const { open, idle, used } = this.#conns;
    return this.#reporter.counts({ open, idle, used, dialing: this.#dials.places, waiting: this.#waiters.size });
  }

  acquire(options: DialOptions<C> | undefined): Promise<Lease<C>> {
    const caller: Caller<C> = {
      context: contextOf(options, this.#host.dialer, "acquire"),
      trace: options?.trace,
      since: this.#settings.clock.now(),
      place: undefined,
    };
    const { cancel } = caller.context;
    if (cancel?.aborted) return this.#refuse(caller, "canceled", cancel.reason);

    this.#acquiring += 1;
    const entry = this.#conns.takeIdle(caller.since);
    this.#acquiring -= 1;
    // Checked only here: a hook that takeIdle() called may have closed the pool.
    if (this.#closed) return this.#refuse(caller, "failure", new PoolClosedError(this.target));
    if (entry !== undefined) {
      const lease = this.#lend(entry, caller, caller.since, true, caller.since - entry.since);
      if (this.#minIdleBackoff !== undefined) this.#maybeOpenConnections();
      return Promise.resolve(lease);
    }
    const { maxOpen, maxWaiting } = this.#settings;
    if (!this.#hasRoom && this.#waiters.size - this.#dials.size >= maxWaiting) {
      return this.#refuse(caller, "failure", new PoolFullError(this.target, describeCounts(this.counts(), maxOpen)));
    }
    return this.#wait(caller);
  }

  putConn(entry: PoolEntry<C>, trace: DialTrace | undefined, error: unknown): void {
    const now = this.#settings.clock.now();
    this.#reporter.releaseDone(entry, error, now);
    if (entry.state === "used") {
      if (error !== undefined || !entry.fit) this.#conns.evict(entry, "unhealthy");
      else if (now >= entry.expiresAt) this.#conns.evict(entry, "max_lifetime");
      else this.#reuse(entry, trace, now);
    }
    this.#maybeOpenConnections();
  }

  releasedAgain(): void {
    this.#reporter.releasedAgain();
  }

  turnedReadable(entry: PoolEntry<C>): void {
    this.#conns.evict(entry, "stale");
    this.#lostIdle(entry);
  }

  destroyed(entry: PoolEntry<C>): void {
    if (entry.state === "gone") return;
    const idle = entry.state === "idle";
    this.#conns.remove(entry, idle ? "stale" : "destroyed");
    if (idle) this.#lostIdle(entry);
    else this.#maybeOpenConnections();
  }

  dialed(conn: C, madeFor: DialTrace | undefined, background: boolean): void {
    const now = this.#settings.clock.now();
    const repeated = repeatedConnection(conn, this.#host, this.target);
    if (repeated !== undefined) {
      this.dialFailed(repeated, background);
      return;
    }
    let entry: PoolEntry<C>;
    try {
      entry = this.#conns.add(conn, madeFor, now, this);
    } catch (error) {
      discard(conn);
      this.dialFailed(error, background);
      return;
    }
    if (this.#waiters.first !== undefined) this.#serve(this.#waiters.first, entry, false, now);
    else if (this.#keep(entry, now)) this.#reporter.putIdleConn(entry, undefined);
    this.#maybeOpenConnections();
  }

  dialFailed(error: unknown, background: boolean): void {
    // A background dial rejects no waiter: waiters have dials of their own.
    if (background) this.#minIdleBackoff?.failed(error);
    else if (this.#waiters.first !== undefined) this.#reject(this.#waiters.first, "failure", error);
    this.#maybeOpenConnections();
  }

  dialEnded(): void {
    this.#maybeOpenConnections();
  }

  /** Closes the idle connections that are due. */
  sweep(now: number): Sweep {
    const { closed, ...sweep } = this.#conns.sweep(now);
    if (closed > 0) this.#maybeOpenConnections();
    return sweep;
  }

  /** Closes idle connections, rejects waiters and aborts dials. Leases continue. */
  drain(reason: unknown): void {
    this.#closed = true;
    this.#minIdleBackoff?.stop();
    this.#conns.evictIdle("drain");
    for (let { first } = this.#waiters; first !== undefined; { first } = this.#waiters) {
      this.#reject(first, "failure", new PoolClosedError(this.target));
    }
    this.#dials.abortAll(reason);
    this.#maybeOpenConnections();
  }

  /** Destroys the leased connections. */
  destroyUsed(): void {
    this.#conns.evictUsed("drain");
    this.#maybeOpenConnections();
  }

  /** Counts the loss of a never-leased connection as a failed background dial: it would otherwise be redialed forever. */
  #lostIdle({ lent }: PoolEntry<C>): void {
    if (!lent) this.#minIdleBackoff?.failed(undefined);
    this.#maybeOpenConnections();
  }

  get #hasRoom(): boolean {
    return this.#conns.open + this.#dials.places < this.#settings.maxOpen;
  }

  /** Starts the dials that waiters and `minIdle` need. Every change of the pool's state ends with this call. */
  #maybeOpenConnections(): void {
    if (!this.#closed) {
      while (this.#waiters.size > this.#dials.size && this.#hasRoom) {
        const waiter = this.#dials.firstWithout(this.#waiters);
        if (waiter === undefined) break;
        this.#dials.startFor(waiter, this.#settings.clock);
      }
      if (this.#minIdleBackoff !== undefined && !this.#minIdleBackoff.waiting) {
        while (this.#lacking > 0 && this.#hasRoom) this.#dials.startInBackground(this.#host.backgroundContext);
      }
    }
    this.#reportEmpty();
  }

  #reportEmpty(): void {
    const { open } = this.#conns;
    if (open + this.#dials.places + this.#waiters.size + this.#acquiring === 0) this.#host.emptied(this);
  }

  /** Connections short of `minIdle`, counting idle ones and dials without a waiter; negative when there are more. */
  get #lacking(): number {
    return this.#settings.minIdle - this.#conns.idle - (this.#dials.size - this.#waiters.size);
  }

  #wait(caller: Caller<C>): Promise<Lease<C>> {
    const { cancel } = caller.context;
    if (this.#reporter.observed) caller.place = new AsyncResource("dialtrace.acquire");
    return new Promise((resolve, reject) => {
      const waiter: Waiter<C> = {
        caller,
        cancel,
        clock: this.#settings.clock,
        since: caller.since,
        resolve,
        reject,
        onAbort: () => this.#giveUp(waiter, "canceled", cancel?.reason, cancel?.reason),
        next: undefined,
        prev: undefined,
        list: undefined,
      };
      this.#waiters.add(waiter);
      this.#maybeOpenConnections();
    });
  }

  /** Passes a released connection to the head of the queue, or keeps it idle. */
  #reuse(entry: PoolEntry<C>, trace: DialTrace | undefined, now: number): void {
    if (this.#waiters.first === undefined) {
      if (this.#keep(entry, now)) this.#reporter.putIdleConn(entry, trace);
      return;
    }
    this.#reporter.putIdleConn(entry, trace);
    // The hook may have closed the connection or the pool, or canceled the waiter.
    if (entry.state !== "used") return;
    if (this.#waiters.first === undefined) this.#keep(entry, now);
    else this.#serve(this.#waiters.first, entry, true, now);
  }

  #serve(waiter: Waiter<C>, entry: PoolEntry<C>, reused: boolean, now: number): void {
    if (reused) entry.freshen();
    this.#remove(waiter);
    waiter.resolve(this.#lend(entry, waiter.caller, now, reused, 0));
  }

  /** Makes a connection idle, or closes it when there is no room. Returns whether it is kept. */
  #keep(entry: PoolEntry<C>, now: number): boolean {
    if (this.#closed) this.#conns.evict(entry, "drain");
    else if (this.#conns.idle >= this.#settings.maxIdle) this.#conns.evict(entry, "overflow");
    else this.#host.idled(this.#conns.park(entry, now), now);
    return entry.state === "idle";
  }

  #lend(entry: PoolEntry<C>, caller: Caller<C>, now: number, reused: boolean, idleMs: number): Lease<C> {
    this.#conns.lend(entry, now);
    this.#minIdleBackoff?.succeeded();
    const lease = new Lease(this, entry, reused, caller.trace);
    this.#reporter.gotConn(entry, caller, reused, idleMs);
    this.#reporter.acquireDone(caller, reused ? "hit" : "miss", now, entry.conn, undefined);
    return lease;
  }

  #timedOut(waiter: Waiter<C>, lateByMs: number): void {
    const { acquireTimeoutMs: timeoutMs, maxOpen } = this.#settings;
    const error = new PoolTimeoutError(this.target, timeoutMs, describeCounts(this.counts(), maxOpen), lateByMs);
    this.#giveUp(waiter, "timeout", error, unneededError(this.target, timeoutMs, lateByMs));
  }

  /** Rejects a waiter that aborted or timed out, and aborts a dial unless another waiter or `minIdle` needs it. */
  #giveUp(waiter: Waiter<C>, outcome: AcquireOutcome, error: unknown, abortReason: unknown): void {
    this.#reject(waiter, outcome, error);
    if (this.#lacking < 0) this.#dials.abortSpare(abortReason);
    this.#maybeOpenConnections();
  }

  #reject(waiter: Waiter<C>, outcome: AcquireOutcome, error: unknown): void {
    this.#remove(waiter);
    this.#reporter.acquireDone(waiter.caller, outcome, this.#settings.clock.now(), undefined, error);
    waiter.reject(error);
  }

  #remove(waiter: Waiter<C>): void {
    this.#waiters.remove(waiter);
    this.#dials.leave(waiter);
  }

  /** Rejects an acquire that never waited. */
  #refuse(caller: Caller<C>, outcome: AcquireOutcome, error: unknown): Promise<never> {
    this.#reporter.acquireDone(caller, outcome, caller.since, undefined, error);
    this.#reportEmpty();
    return Promise.reject(error);
  }
}
