import { acquireOutcomes, evictionReasons, type ObservedPool, type PoolObserver } from "../pool/pool-trace.ts";
import { guarded } from "../support/user-call.ts";
import { byEachValue, type Level, type Sink } from "./sink.ts";

/** Returns an observer that records the events and levels of pools in `sink`. */
export function poolObserver(sink: Sink): PoolObserver {
  const series = poolSeries(sink);
  // The dialer of that name cannot tell which of its connections are idle in the pool.
  sink.series("connectionCount", { "dialer.connection.state": "idle" });
  const updates = new Set<() => void>();
  sink.beforeScrape(["poolLimit", "poolPendingRequests"], () => {
    for (const update of updates) update();
  });

  return function measurePool(pool) {
    const limitOf = share(series.limit);
    const pendingOf = share(series.pending);
    const update = () => {
      const stats = guarded("a pool's stats()", () => pool.stats());
      if (stats === undefined) return;
      limitOf(limitOver(pool, stats.targets.size));
      pendingOf(stats.waiting);
    };
    updates.add(update);
    return {
      acquireDone({ outcome, waitMs }) {
        series.acquires(outcome)(1);
        if (outcome === "timeout") series.timeouts.pool(1);
        // Timed-out waits are included: without them an exhausted pool would look fast.
        if (outcome !== "canceled") series.wait(waitMs / 1000);
      },
      releaseDone: ({ useMs }) => series.use(useMs / 1000),
      evicted({ reason }) {
        series.evictions(reason)(1);
        if (reason === "idle") series.timeouts.idle(1);
      },
      end() {
        updates.delete(update);
        limitOf(0);
        pendingOf(0);
      },
    };
  };
}

function poolSeries(sink: Sink) {
  return {
    limit: sink.series("poolLimit", {}),
    pending: sink.series("poolPendingRequests", {}),
    acquires: byEachValue(acquireOutcomes, (outcome) =>
      sink.series("poolAcquires", { "dialer.pool.outcome": outcome }),
    ),
    evictions: byEachValue(evictionReasons, (reason) =>
      sink.series("poolEvictions", { "dialer.pool.eviction.reason": reason }),
    ),
    wait: sink.series("poolWaitDuration", {}),
    use: sink.series("poolUseDuration", {}),
    // The same series as the timeouts of the dialer with that name.
    timeouts: {
      pool: sink.series("timeouts", { "dialer.timeout.scope": "pool" }),
      idle: sink.series("timeouts", { "dialer.timeout.scope": "idle" }),
    },
  };
}

/** Connections that a pool may open to its current targets; zero without a limit. */
function limitOver({ maxOpen }: ObservedPool, targets: number): number {
  return Number.isFinite(maxOpen) ? maxOpen * targets : 0;
}

/** Sets one pool's share of a gauge that several pools add to. */
function share(level: Level): (value: number) => void {
  let reported = 0;
  return (value) => {
    level(value - reported);
    reported = value;
  };
}
