import type { Duplex } from "node:stream";
import { callHook } from "../core/hooks.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import type { Counters, PoolGauges } from "./counters.ts";
import type { PoolEvents } from "./events.ts";
import type { PoolEntry } from "./pool-entry.ts";
import type { AcquireOutcome, EvictionReason, PoolCounts } from "./pool-trace.ts";
import type { Caller } from "./waiter.ts";

/** Counts what happens to the connections of one target, and calls the hooks of pools and dials. */
export class Reporter<C extends Duplex> {
  readonly #target: Target;
  readonly #events: PoolEvents;
  readonly #counters: Counters;

  constructor(target: Target, events: PoolEvents, counters: Counters) {
    this.#target = target;
    this.#events = events;
    this.#counters = counters;
  }

  /** Whether the pool has observers. */
  get observed(): boolean {
    return this.#events.observed;
  }

  counts(gauges: PoolGauges): PoolCounts {
    return this.#counters.with(gauges);
  }

  /** Reports that an acquire ended, in the async context of its caller. */
  acquireDone(caller: Caller<C>, outcome: AcquireOutcome, now: number, conn: C | undefined, error: unknown): void {
    this.#counters.acquired(outcome);
    if (!this.observed) return;
    const result = conn === undefined ? { error } : { conn };
    const info = { target: this.#target, outcome, waitMs: now - caller.since, ...result };
    const emit = () => this.#events.emit("acquireDone", info);
    if (caller.place === undefined) emit();
    else caller.place.runInAsyncScope(emit);
  }

  releaseDone({ conn, since }: PoolEntry<C>, error: unknown, now: number): void {
    if (!this.observed) return;
    const info = { target: this.#target, conn, useMs: now - since, ...(error !== undefined && { error }) };
    this.#events.emit("releaseDone", info);
  }

  releasedAgain(): void {
    this.#counters.releasedAgain();
  }

  evicted({ conn }: PoolEntry<C>, reason: EvictionReason): void {
    this.#counters.evicted(reason);
    if (this.observed) this.#events.emit("evicted", { target: this.#target, conn, reason });
  }

  /** Calls `gotConn` of the hooks that saw the connection dialed, and of the caller's unless they are among those. */
  gotConn({ conn, trace, madeFor }: PoolEntry<C>, caller: Caller<C>, reused: boolean, idleMs: number): void {
    const others = caller.trace === madeFor ? undefined : caller.context.trace;
    if (trace?.gotConn === undefined && others?.gotConn === undefined) return;
    const info = { target: this.#target, conn, reused, ...(reused && { idleMs }) };
    others?.gotConn?.(info);
    trace?.gotConn?.(info);
  }

  /** Calls `putIdleConn` of the hooks that saw the connection dialed, and of the leaseholder's. */
  putIdleConn({ conn, trace, madeFor }: PoolEntry<C>, leaseholder: DialTrace | undefined): void {
    const others = leaseholder === madeFor ? undefined : leaseholder;
    if (trace?.putIdleConn === undefined && others?.putIdleConn === undefined) return;
    const info = { target: this.#target, conn };
    if (others !== undefined) callHook(others, "putIdleConn", info);
    trace?.putIdleConn?.(info);
  }
}
