import type { Duplex } from "node:stream";
import type { ObservedPool, PoolCounts, PoolObserver, PoolTrace } from "../../src/pool/pool-trace.ts";
import { evictionReasons } from "../../src/pool/pool-trace.ts";

/** A pool controlled by the test, with the given numbers of waiting callers and targets. */
export function playedPool(observers: readonly PoolObserver[], { maxOpen = 10 } = {}) {
  const now = { waiting: 0, targets: 0 };
  const counts = (waiting: number): PoolCounts => ({
    open: 0,
    idle: 0,
    used: 0,
    dialing: 0,
    waiting,
    hits: 0,
    misses: 0,
    timeouts: 0,
    canceled: 0,
    failures: 0,
    evictions: Object.fromEntries(evictionReasons.map((reason) => [reason, 0])) as PoolCounts["evictions"],
    doubleReleases: 0,
  });
  const pool: ObservedPool = {
    maxOpen,
    stats: () => ({
      ...counts(now.waiting),
      targets: new Map(Array.from({ length: now.targets }, (_, index) => [`db:${index}`, counts(0)])),
    }),
  };
  const traces = observers.map((observer) => observer(pool));
  return {
    now,
    emit<K extends keyof PoolTrace>(hook: K, info?: Parameters<NonNullable<PoolTrace[K]>>[0]) {
      for (const trace of traces) (trace?.[hook] as ((info: unknown) => void) | undefined)?.(info);
    },
  };
}

/** A connection without a peer. */
export const noConn = {} as Duplex;
