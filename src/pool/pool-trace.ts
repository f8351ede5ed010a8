import type { Duplex } from "node:stream";
import type { Target } from "../core/target.ts";

/** How asking a pool for a connection ended: `hit` is one that had been used or kept before, `miss` one just dialed. */
export const acquireOutcomes = ["hit", "miss", "timeout", "canceled", "failure"] as const;

/** How asking a pool for a connection ended: one of {@link acquireOutcomes}. */
export type AcquireOutcome = (typeof acquireOutcomes)[number];

/**
 * Why a pool has one connection less: `idle` for too long, past its lifetime, no room among the idle
 * (`overflow`), readable or ended by the peer while idle (`stale`), given back broken or found so
 * (`unhealthy`), destroyed while leased, or the pool's end (`drain`).
 */
export const evictionReasons = [
  "idle",
  "max_lifetime",
  "overflow",
  "stale",
  "unhealthy",
  "destroyed",
  "drain",
] as const;

/** Why a pool has one connection less: one of {@link evictionReasons}. */
export type EvictionReason = (typeof evictionReasons)[number];

/** What a pool, or its part for one target, has now and has done so far. */
export interface PoolCounts {
  /** Connections: `idle + used`. */
  readonly open: number;
  /** Connections that wait to be used. */
  readonly idle: number;
  /** Connections that are leased. */
  readonly used: number;
  /** Dials under way. */
  readonly dialing: number;
  /** Callers that wait for a connection, those for whom a dial is under way included. */
  readonly waiting: number;
  /** Ended acquires by outcome; together with `waiting` they are all there were. */
  readonly hits: number;
  readonly misses: number;
  readonly timeouts: number;
  readonly canceled: number;
  readonly failures: number;
  /** Connections gone, by why. */
  readonly evictions: Readonly<Record<EvictionReason, number>>;
  /** Leases that were released once more; nothing came of it. */
  readonly doubleReleases: number;
}

/** What a pool has now and has done so far. */
export interface PoolStats extends PoolCounts {
  /**
   * By target, such as `db.internal:5432`: those for which there is a connection, a dial or a waiter. What is no
   * more counts in the totals only.
   */
  readonly targets: ReadonlyMap<string, PoolCounts>;
}

/** A pool as its observers see it. */
export interface ObservedPool {
  /** Connections, open or being dialed, that it may have for each target; maybe `Infinity`. */
  readonly maxOpen: number;
  stats(): PoolStats;
}

export interface AcquireDoneInfo {
  readonly target: Target;
  readonly outcome: AcquireOutcome;
  /** From the call until it ended. */
  readonly waitMs: number;
  /** The connection, on a hit or a miss. */
  readonly conn?: Duplex | undefined;
  /** What the caller was told, otherwise. */
  readonly error?: unknown;
}

export interface ReleaseDoneInfo {
  readonly target: Target;
  readonly conn: Duplex;
  /** How long it was leased. */
  readonly useMs: number;
  /** What it was given back with, if anything. */
  readonly error?: unknown;
}

export interface EvictedInfo {
  readonly target: Target;
  readonly conn: Duplex;
  readonly reason: EvictionReason;
}

/**
 * Hooks into the life of one pool, as `DialTrace` is into one dial: synchronous, all optional. One that
 * throws is caught, warned of once, and never harms the pool.
 */
export interface PoolTrace {
  /** Called once for each `acquire`, when it has ended; in the async context of its caller. */
  acquireDone?(info: AcquireDoneInfo): void;
  /** Called once for each lease, when it is released first. */
  releaseDone?(info: ReleaseDoneInfo): void;
  /** Called once for each connection that the pool has had, when it has it no more. */
  evicted?(info: EvictedInfo): void;
  /** Called last, once: the pool is drained or closed, and has nothing open. */
  end?(): void;
}

/** Returns the hooks for one pool, or `undefined` to leave it unobserved. Called when the pool is made. */
export type PoolObserver = (pool: ObservedPool) => PoolTrace | undefined;

/** What observes pools: hooks, a function that returns them for each pool, or several of both. */
export type PoolTraceLike = PoolTrace | PoolObserver | readonly (PoolTrace | PoolObserver)[];
