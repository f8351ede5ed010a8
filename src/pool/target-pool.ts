import { AsyncResource } from "node:async_hooks";
import type { Duplex } from "node:stream";
import type { Dialer, DialOptions } from "../core/dialer.ts";
import { DialTimeoutError } from "../core/errors.ts";
import type { CloseReason } from "../core/event-values.ts";
import { callHook } from "../core/hooks.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import { contextOf, type DialContext, type Run } from "../engine/context.ts";
import { setCloseReason } from "../engine/tracker.ts";
import { discard } from "../support/connection.ts";
import { LinkedList } from "../support/linked-list.ts";
import { returnedBoolean } from "../support/returned.ts";
import { guarded } from "../support/user-call.ts";
import type { Counters } from "./counters.ts";
import { Dials, type DialsOwner } from "./dials.ts";
import { PoolClosedError, PoolFullError, PoolTimeoutError } from "./errors.ts";
import type { PoolEvents } from "./events.ts";
import { Lease, type LeaseHome } from "./lease.ts";
import { Warmth } from "./min-idle-backoff.ts";
import type { PoolSettings } from "./options.ts";
import { Pooled, type PooledOwner } from "./pool-entry.ts";
import type { AcquireOutcome, EvictionReason, PoolCounts } from "./pool-trace.ts";
import { type Caller, type Waiter, Waiters } from "./waiters.ts";

/** The pool that a target's part belongs to. */
export interface TargetPoolHost<C extends Duplex> {
  readonly settings: PoolSettings<C>;
  readonly events: PoolEvents;
  readonly dialer: Dialer<C>;
  readonly run: Run<C>;
  /** What connections are dialed with that nobody has asked for. */
  readonly warmContext: DialContext<C>;
  /** An idle connection falls due at `at`. */
  idled(at: number, now: number): void;
  /** Nothing is open, being dialed or waited for. */
  emptied(part: TargetPool<C>): void;
}

/** As what the close of a connection is told that the pool closes. */
const closeReasonOf: Readonly<Record<EvictionReason, CloseReason | undefined>> = {
  idle: "idle",
  overflow: "idle",
  max_lifetime: "max_lifetime",
  stale: "stale",
  unhealthy: "unhealthy",
  drain: "drain",
  destroyed: undefined,
};

/**
 * The connections to one target. Three rules hold it together: whoever has waited longest gets what comes next, a
 * connection or the failure of a dial; as long as there is room, there is a dial for each who waits; and nothing
 * is idle while somebody waits.
 */
export class TargetPool<C extends Duplex> implements LeaseHome<C>, PooledOwner<C>, DialsOwner<C> {
  readonly target: Target;
  readonly #host: TargetPoolHost<C>;
  readonly #settings: PoolSettings<C>;
  readonly #events: PoolEvents;
  readonly #counters: Counters;
  readonly #idle = new LinkedList<Pooled<C>>();
  readonly #used = new LinkedList<Pooled<C>>();
  readonly #waiters: Waiters<C>;
  readonly #dials: Dials<C>;
  readonly #warmth: Warmth | undefined;
  /** Calls of `acquire` that look for an idle connection: hooks called meanwhile must not find all over. */
  #asked = 0;
  #closed = false;

  constructor(target: Target, host: TargetPoolHost<C>, counters: Counters) {
    const { settings, run } = host;
    const { clock, acquireTimeoutMs, minIdle, random } = settings;
    this.target = target;
    this.#host = host;
    this.#settings = settings;
    this.#events = host.events;
    this.#counters = counters;
    this.#waiters = new Waiters(clock, acquireTimeoutMs, (waiter, lateByMs) => this.#timedOut(waiter, lateByMs));
    this.#dials = new Dials(target, run, this);
    this.#warmth = minIdle > 0 ? new Warmth(clock, random) : undefined;
  }

  get idle(): number {
    return this.#idle.size;
  }

  get empty(): boolean {
    return this.#open + this.#dials.places + this.#waiters.size + this.#asked === 0;
  }

  counts(): PoolCounts {
    return this.#counters.with({
      open: this.#open,
      idle: this.#idle.size,
      used: this.#used.size,
      dialing: this.#dials.places,
      waiting: this.#waiters.size,
    });
  }

  acquire(options: DialOptions<C> | undefined): Promise<Lease<C>> {
    const caller = {
      context: contextOf(options, this.#host.dialer, "acquire"),
      trace: options?.trace,
      since: this.#settings.clock.now(),
      place: undefined as AsyncResource | undefined,
    };
    const { cancel } = caller.context;
    if (cancel?.aborted) return this.#refuse(caller, "canceled", cancel.reason);

    this.#asked += 1;
    const kept = this.#takeIdle(caller.since);
    this.#asked -= 1;
    // Looked at here, for a hook called on the way may have ended the pool.
    if (this.#closed) return this.#refuse(caller, "failure", new PoolClosedError(this.target));
    if (kept !== undefined) {
      const idleMs = caller.since - kept.since;
      const lease = this.#lend(kept, caller, caller.since, true, idleMs);
      if (this.#warmth !== undefined) this.#pump();
      return Promise.resolve(lease);
    }
    if (!this.#hasRoom && this.#waiters.size - this.#dials.size >= this.#settings.maxWaiting) {
      return this.#refuse(caller, "failure", new PoolFullError(this.target, this.#state()));
    }
    if (this.#events.observed) caller.place = new AsyncResource("dialtrace.acquire");
    return new Promise((resolve, reject) => {
      const waiter: Waiter<C> = {
        caller,
        resolve,
        reject,
        onAbort: () => this.#giveUp(waiter, "canceled", cancel?.reason, cancel?.reason),
        next: undefined,
        prev: undefined,
        list: undefined,
      };
      this.#waiters.add(waiter);
      this.#pump();
    });
  }

  takeBack(pooled: Pooled<C>, trace: DialTrace | undefined, error: unknown): void {
    const now = this.#settings.clock.now();
    if (this.#events.observed) {
      const { conn } = pooled;
      const useMs = now - pooled.since;
      this.#events.emit("releaseDone", { target: this.target, conn, useMs, ...(error !== undefined && { error }) });
    }
    if (pooled.state === "used") {
      if (error !== undefined || !pooled.fit) this.#evict(pooled, "unhealthy");
      else if (now >= pooled.expiresAt) this.#evict(pooled, "max_lifetime");
      else this.#give(pooled, true, trace, now);
    }
    this.#pump();
  }

  releasedAgain(): void {
    this.#counters.releasedAgain();
  }

  turnedReadable(pooled: Pooled<C>): void {
    this.#evict(pooled, "stale");
    this.#lostIdle(pooled);
  }

  destroyed(pooled: Pooled<C>): void {
    if (pooled.state === "gone") return;
    const idle = pooled.state === "idle";
    this.#gone(pooled, idle ? "stale" : "destroyed");
    if (idle) this.#lostIdle(pooled);
    else this.#pump();
  }

  dialed(conn: C, madeFor: DialTrace | undefined, warm: boolean): void {
    const { clock, maxLifetimeMs, maxLifetimeJitter, random } = this.#settings;
    const now = clock.now();
    let lifetimeMs: number;
    try {
      lifetimeMs = maxLifetimeMs * (1 - maxLifetimeJitter * random());
    } catch (error) {
      discard(conn);
      this.dialFailed(error, warm);
      return;
    }
    const pooled = new Pooled(conn, now, lifetimeMs, madeFor, this);
    this.#used.add(pooled);
    this.#give(pooled, false, undefined, now);
    this.#pump();
  }

  dialFailed(error: unknown, warm: boolean): void {
    // Nobody has asked for this one. Who waits meanwhile is dialed for now.
    if (warm) this.#warmth?.failed(error, () => this.#pump());
    else if (this.#waiters.first !== undefined) this.#reject(this.#waiters.first, "failure", error);
    this.#pump();
  }

  dialEnded(): void {
    this.#pump();
  }

  /** Closes what is idle and due, and returns when the next is. */
  sweep(now: number): number {
    const { minIdle, idleTimeoutMs } = this.#settings;
    let spare = this.#idle.size - minIdle;
    let next = Number.POSITIVE_INFINITY;
    const due: [Pooled<C>, EvictionReason][] = [];
    for (const pooled of this.#idle) {
      const idleUntil = spare > 0 ? pooled.since + idleTimeoutMs : Number.POSITIVE_INFINITY;
      if (Math.min(pooled.expiresAt, idleUntil) <= now) {
        due.push([pooled, pooled.expiresAt <= now ? "max_lifetime" : "idle"]);
        spare -= 1;
      } else {
        next = Math.min(next, pooled.expiresAt, idleUntil);
      }
    }
    for (const [pooled, reason] of due) if (pooled.state === "idle") this.#evict(pooled, reason);
    if (due.length > 0) this.#pump();
    return next;
  }

  /** Ends it: what is idle is closed, who waits is told, dials are aborted; leases go on. */
  drain(reason: unknown): void {
    this.#closed = true;
    this.#warmth?.stop();
    for (let { newest } = this.#idle; newest !== undefined; { newest } = this.#idle) this.#evict(newest, "drain");
    for (let { first } = this.#waiters; first !== undefined; { first } = this.#waiters) {
      this.#reject(first, "failure", new PoolClosedError(this.target));
    }
    this.#dials.abortAll(reason);
    this.#pump();
  }

  /** Destroys what is leased. */
  destroyUsed(): void {
    for (let { newest } = this.#used; newest !== undefined; { newest } = this.#used) this.#evict(newest, "drain");
    this.#pump();
  }

  /** A server that closes or greets what nobody has used would be dialed without end. */
  #lostIdle({ lent }: Pooled<C>): void {
    if (!lent) this.#warmth?.failed(undefined, () => this.#pump());
    this.#pump();
  }

  get #open(): number {
    return this.#idle.size + this.#used.size;
  }

  get #hasRoom(): boolean {
    return this.#open + this.#dials.places < this.#settings.maxOpen;
  }

  /** Dials for who waits and for what is to be kept ready. Every change ends with it. */
  #pump(): void {
    if (!this.#closed) {
      while (this.#waiters.size > this.#dials.size && this.#hasRoom) {
        const waiter = this.#dials.firstWithout(this.#waiters);
        if (waiter === undefined) break;
        const { clock } = this.#settings;
        // A dial of its own, that may outlive the one in which the caller asked.
        const own = { clock, state: undefined, insideRetry: false, runInContext: undefined };
        this.#dials.start({ ...waiter.caller.context, ...own }, waiter);
      }
      if (this.#warmth !== undefined && !this.#warmth.waiting) {
        while (this.#lacking > 0 && this.#hasRoom) this.#dials.start(this.#host.warmContext, undefined);
      }
    }
    if (this.empty) this.#host.emptied(this);
  }

  /** What must be dialed for `minIdle`, given what is idle and the dials that nobody waits for; negative where there is more. */
  get #lacking(): number {
    return this.#settings.minIdle - this.#idle.size - (this.#dials.size - this.#waiters.size);
  }

  /** The connection last used that may be handed out; those before it that may not are closed on the way. */
  #takeIdle(now: number): Pooled<C> | undefined {
    for (let { newest } = this.#idle; newest !== undefined; { newest } = this.#idle) {
      const reason = this.#unusable(newest, now);
      if (reason !== undefined) {
        this.#evict(newest, reason);
        continue;
      }
      // What a user's validate() has done to it is only known now.
      if (newest.state !== "idle") continue;
      this.#idle.remove(newest);
      newest.unwatch();
      return newest;
    }
    return undefined;
  }

  #unusable({ conn, fit, openedAt, expiresAt, since }: Pooled<C>, now: number): EvictionReason | undefined {
    const { ttlMs, idleTimeoutMs, minIdle, validate } = this.#settings;
    if (!fit) return "stale";
    if (now - openedAt > ttlMs || now >= expiresAt) return "max_lifetime";
    if (now - since >= idleTimeoutMs && this.#idle.size > minIdle) return "idle";
    if (validate === undefined) return undefined;
    const valid = guarded("pool: validate", () => returnedBoolean("pool: validate", validate(conn)));
    return valid === true ? undefined : "unhealthy";
  }

  /** Hands a connection that was leased, or is new, to whose turn it is; else it waits. */
  #give(pooled: Pooled<C>, used: boolean, trace: DialTrace | undefined, now: number): void {
    const handOver = used && this.#waiters.size > 0;
    if (handOver) {
      this.#tellPut(pooled, trace);
      // A hook may have done anything to it.
      if (pooled.state !== "used") return;
    }
    const waiter = this.#waiters.first;
    if (waiter !== undefined) {
      this.#used.remove(pooled);
      if (used) pooled.freshen();
      this.#release(waiter);
      waiter.resolve(this.#lend(pooled, waiter.caller, now, used, 0));
    } else if (this.#closed) {
      this.#evict(pooled, "drain");
    } else if (this.#idle.size >= this.#settings.maxIdle) {
      this.#evict(pooled, "overflow");
    } else {
      this.#used.remove(pooled);
      this.#park(pooled, now);
      if (!handOver) this.#tellPut(pooled, trace);
    }
  }

  #park(pooled: Pooled<C>, now: number): void {
    pooled.state = "idle";
    pooled.since = now;
    this.#idle.add(pooled);
    pooled.watch();
    this.#host.idled(this.#dueAt(pooled), now);
  }

  #dueAt(pooled: Pooled<C>): number {
    const { minIdle, idleTimeoutMs } = this.#settings;
    const { oldest, size } = this.#idle;
    if (oldest === undefined || size <= minIdle) return pooled.expiresAt;
    return Math.min(pooled.expiresAt, oldest.since + idleTimeoutMs);
  }

  /** Leases a connection that is in no list. */
  #lend(pooled: Pooled<C>, caller: Caller<C>, now: number, reused: boolean, idleMs: number): Lease<C> {
    pooled.state = "used";
    pooled.since = now;
    pooled.lent = true;
    this.#used.add(pooled);
    this.#warmth?.succeeded();
    const lease = new Lease(this, pooled, reused, caller.trace);
    this.#tellGot(pooled, caller, reused, idleMs);
    this.#done(caller, reused ? "hit" : "miss", now, pooled.conn, undefined);
    return lease;
  }

  /** Closes a connection. */
  #evict(pooled: Pooled<C>, reason: EvictionReason): void {
    if (pooled.state === "gone") return;
    const { conn } = pooled;
    if (pooled.state === "idle") pooled.unwatch();
    this.#gone(pooled, reason);
    const stated = closeReasonOf[reason];
    if (stated !== undefined) setCloseReason(conn, stated);
    discard(conn);
  }

  /** Counts a connection out that is closed, or about to be. */
  #gone(pooled: Pooled<C>, reason: EvictionReason): void {
    (pooled.state === "idle" ? this.#idle : this.#used).remove(pooled);
    pooled.state = "gone";
    this.#counters.evicted(reason);
    if (this.#events.observed) this.#events.emit("evicted", { target: this.target, conn: pooled.conn, reason });
  }

  #timedOut(waiter: Waiter<C>, lateByMs: number): void {
    const { acquireTimeoutMs: timeoutMs } = this.#settings;
    const { target } = this;
    const message = `dial ${target}: nobody waits for it any longer, after ${timeoutMs} ms`;
    const spare = new DialTimeoutError(message, { scope: "dial", timeoutMs, lateByMs, target });
    this.#giveUp(waiter, "timeout", new PoolTimeoutError(target, timeoutMs, this.#state(), lateByMs), spare);
  }

  /** One who waits no longer, by his own will or for his time is up, takes the dial with him that nobody else needs. */
  #giveUp(waiter: Waiter<C>, outcome: AcquireOutcome, error: unknown, spareReason: unknown): void {
    this.#reject(waiter, outcome, error);
    if (this.#lacking < 0) this.#dials.abortSpare(spareReason);
    this.#pump();
  }

  #reject(waiter: Waiter<C>, outcome: AcquireOutcome, error: unknown): void {
    this.#release(waiter);
    this.#done(waiter.caller, outcome, this.#settings.clock.now(), undefined, error);
    waiter.reject(error);
  }

  #release(waiter: Waiter<C>): void {
    this.#waiters.remove(waiter);
    this.#dials.leave(waiter);
  }

  #refuse(caller: Caller<C>, outcome: AcquireOutcome, error: unknown): Promise<never> {
    this.#done(caller, outcome, caller.since, undefined, error);
    if (this.empty) this.#host.emptied(this);
    return Promise.reject(error);
  }

  #done(caller: Caller<C>, outcome: AcquireOutcome, now: number, conn: C | undefined, error: unknown): void {
    this.#counters.acquired(outcome);
    if (!this.#events.observed) return;
    const ended = conn === undefined ? { error } : { conn };
    const tell = () =>
      this.#events.emit("acquireDone", { target: this.target, outcome, waitMs: now - caller.since, ...ended });
    if (caller.place === undefined) tell();
    else caller.place.runInAsyncScope(tell);
  }

  /** Tells those who saw the connection made, and the one who gets it unless he is among them. */
  #tellGot({ conn, trace, madeFor }: Pooled<C>, caller: Caller<C>, reused: boolean, idleMs: number): void {
    const others = caller.trace === madeFor ? undefined : caller.context.trace;
    if (trace?.gotConn === undefined && others?.gotConn === undefined) return;
    const info = { target: this.target, conn, reused, ...(reused && { idleMs }) };
    others?.gotConn?.(info);
    trace?.gotConn?.(info);
  }

  #tellPut({ conn, trace, madeFor }: Pooled<C>, given: DialTrace | undefined): void {
    const others = given === madeFor ? undefined : given;
    if (trace?.putIdleConn === undefined && others?.putIdleConn === undefined) return;
    const info = { target: this.target, conn };
    if (others !== undefined) callHook(others, "putIdleConn", info);
    trace?.putIdleConn?.(info);
  }

  #state(): string {
    const { maxOpen } = this.#settings;
    const of = maxOpen === Number.POSITIVE_INFINITY ? "" : ` of ${maxOpen}`;
    return `${this.#used.size}${of} in use, ${this.#dials.places} being dialed, ${this.#waiters.size} waiting`;
  }
}
