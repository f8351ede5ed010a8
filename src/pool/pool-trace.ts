import type { Duplex } from "node:stream";
import type { Target } from "../core/target.ts";

/** How an acquire ended: `hit` got a connection that was leased or idle before, `miss` one that was just dialed. */
export const acquireOutcomes = ["hit", "miss", "timeout", "canceled", "failure"] as const;

/** How an acquire ended: one of {@link acquireOutcomes}. */
export type AcquireOutcome = (typeof acquireOutcomes)[number];

/**
 * Why a connection was removed from its pool:
 *
 * - `idle`: idle for longer than `idleTimeoutMs`
 * - `max_lifetime`: older than `maxLifetimeMs` or `ttlMs`
 * - `overflow`: released while `maxIdle` connections were idle
 * - `stale`: readable or ended by its peer while idle
 * - `unhealthy`: released with an error, with unread bytes or ended, or rejected by `validate`
 * - `destroyed`: destroyed while leased
 * - `drain`: closed by `drain()` or `close()`
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

/** Why a connection was removed from its pool: one of {@link evictionReasons}. */
export type EvictionReason = (typeof evictionReasons)[number];

/** State and totals of a pool, or of its part for one target. */
export interface PoolCounts {
  /** Open connections: `idle + used`. */
  readonly open: number;
  /** Idle connections. */
  readonly idle: number;
  /** Leased connections. */
  readonly used: number;
  /** Dials in progress. */
  readonly dialing: number;
  /** Acquires in progress, including those with a dial in progress. */
  readonly waiting: number;
  /** Acquires that got a connection that was leased or idle before. */
  readonly hits: number;
  /** Acquires that got a connection that was just dialed. */
  readonly misses: number;
  /** Acquires that exceeded `acquireTimeoutMs`. */
  readonly timeouts: number;
  /** Acquires that their caller aborted. */
  readonly canceled: number;
  /** Acquires that failed in any other way: the dial failed, the queue was full, or the pool was closed. */
  readonly failures: number;
  /** Connections removed from the pool, by reason. */
  readonly evictions: Readonly<Record<EvictionReason, number>>;
  /** Releases of leases that had been released before; they are ignored. */
  readonly doubleReleases: number;
}

/** State and totals of a pool. */
export interface PoolStats extends PoolCounts {
  /**
   * The same per target, such as `db.internal:5432`, for targets with a connection, a dial or a waiter. The counts of
   * other targets are part of the totals only.
   */
  readonly targets: ReadonlyMap<string, PoolCounts>;
}

/** The pool that an observer observes. */
export interface ObservedPool {
  /** The pool's `maxOpen`: connections per target, open or being dialed; may be `Infinity`. */
  readonly maxOpen: number;
  /** Returns a snapshot of the pool's state and totals. */
  stats(): PoolStats;
}

/** Argument of {@link PoolTrace.acquireDone}. */
export interface AcquireDoneInfo {
  /** Target of the acquire. */
  readonly target: Target;
  /** How the acquire ended. */
  readonly outcome: AcquireOutcome;
  /** Time from the call of `acquire` to its end, in milliseconds. */
  readonly waitMs: number;
  /** The leased connection; present on `hit` and `miss`. */
  readonly conn?: Duplex | undefined;
  /** The error that the acquire rejects with; present on the other outcomes. */
  readonly error?: unknown;
}

/** Argument of {@link PoolTrace.releaseDone}. */
export interface ReleaseDoneInfo {
  /** Target of the lease. */
  readonly target: Target;
  /** The released connection. */
  readonly conn: Duplex;
  /** How long the connection was leased, in milliseconds. */
  readonly useMs: number;
  /** The argument of `release(error)`; absent without one. */
  readonly error?: unknown;
}

/** Argument of {@link PoolTrace.evicted}. */
export interface EvictedInfo {
  /** Target of the connection. */
  readonly target: Target;
  /** The removed connection: it is closed, or will be before the next turn of the event loop. */
  readonly conn: Duplex;
  /** Why the connection was removed. */
  readonly reason: EvictionReason;
}

/**
 * Hooks called during the life of one pool, as `DialTrace` is for one dial. All are optional and synchronous. A hook
 * that throws does not affect the pool; the first throw emits a process warning.
 */
export interface PoolTrace {
  /** Called once for each `acquire` when it has ended, in the async context of its caller. */
  acquireDone?(info: AcquireDoneInfo): void;
  /** Called once for each lease, on its first release. */
  releaseDone?(info: ReleaseDoneInfo): void;
  /** Called once for each connection, when it is removed from the pool. */
  evicted?(info: EvictedInfo): void;
  /** Called once, after all other hooks: the pool was drained or closed, and its last connection is gone. */
  end?(): void;
}

/** Returns the hooks for one pool, or `undefined` not to observe it. Called when the pool is made. */
export type PoolObserver = (pool: ObservedPool) => PoolTrace | undefined;

/** Observers of a pool: hooks, a function that returns hooks for each pool, or an array of both. */
export type PoolTraceLike = PoolTrace | PoolObserver | readonly (PoolTrace | PoolObserver)[];
