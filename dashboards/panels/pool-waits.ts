import { graph, heat, type Panel } from "../parts/panels.ts";
import { increase, quantile, series, sum } from "../parts/query.ts";

/** Waiting callers, and the duration of waits. */
export const poolWaits: readonly Panel[] = [
  graph({
    title: "Waiting callers",
    description:
      "Callers waiting for a dial or a release, by process. If callers wait for long while no connection is idle, the pool is too small.",
    unit: "short",
    queries: [{ legend: "{{instance}}", expr: sum(series("poolPendingRequests"), "instance") }],
  }),
  graph({
    title: "Wait duration",
    description:
      "Quantiles of the time from a request for a connection until it is granted or fails: close to zero on a hit, a dial's duration on a miss, longer in a full pool.",
    unit: "s",
    queries: [
      { legend: "p50", expr: quantile(0.5, "poolWaitDuration") },
      { legend: "p99", expr: quantile(0.99, "poolWaitDuration") },
    ],
  }),
  heat({
    title: "Wait duration, distribution",
    description:
      "Waits by duration. The lowest band shows hits, the next one dials, and everything above them waits in the queue.",
    unit: "short",
    queries: [{ legend: "{{le}}", expr: sum(increase("poolWaitDuration", "", "_bucket"), "le") }],
  }),
];
