import { acquireOutcomes, evictionReasons } from "../pool/pool-trace.ts";
import { type Instrument, latency } from "./instrument.ts";

/** The metrics of pools. */
export const poolInstruments = {
  poolLimit: {
    name: "dialer.pool.limit",
    kind: "gauge",
    aggregator: "sum",
    unit: "{connection}",
    help: "Maximum number of connections to the current targets of the pools; zero without a limit.",
    labels: {},
  },
  poolPendingRequests: {
    name: "dialer.pool.pending_requests",
    kind: "gauge",
    aggregator: "sum",
    unit: "{request}",
    help: "Callers waiting for a pool's connection.",
    labels: {},
  },
  poolAcquires: {
    name: "dialer.pool.acquires",
    kind: "counter",
    unit: "{request}",
    help: "Requests for a pool's connection, by outcome: an idle connection (hit), a new one (miss), or none.",
    labels: { "dialer.pool.outcome": acquireOutcomes },
  },
  poolEvictions: {
    name: "dialer.pool.evictions",
    kind: "counter",
    unit: "{connection}",
    help: "Connections removed from pools, by reason.",
    labels: { "dialer.pool.eviction.reason": evictionReasons },
  },
  poolWaitDuration: {
    name: "dialer.pool.wait.duration",
    kind: "histogram",
    unit: "s",
    help: "Time from a request for a pool's connection until it is granted or fails.",
    labels: {},
    buckets: latency,
  },
  poolUseDuration: {
    name: "dialer.pool.use.duration",
    kind: "histogram",
    unit: "s",
    help: "Time from acquiring a pool's connection to its release.",
    labels: {},
    buckets: latency,
  },
} as const satisfies Record<string, Instrument>;
