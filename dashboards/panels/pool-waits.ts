import { graph, heat, type Panel } from "../parts/panels.ts";
import { increase, quantile, series, sum } from "../parts/query.ts";

/** Who waits for the pool, and how long. */
export const poolWaits: readonly Panel[] = [
  graph({
    title: "Callers that wait",
    description:
      "Callers that wait for a connection now, by process: for a dial, or for somebody to give one back. Above zero for long with nothing idle is a pool that is too small.",
    unit: "short",
    queries: [{ legend: "{{instance}}", expr: sum(series("poolPendingRequests"), "instance") }],
  }),
  graph({
    title: "Wait for a connection",
    description:
      "Quantiles of the time from asking to the answer, those included who waited in vain: nearly nothing on a hit, a dial on a miss, more in a full pool.",
    unit: "s",
    queries: [
      { legend: "p50", expr: quantile(0.5, "poolWaitDuration") },
      { legend: "p99", expr: quantile(0.99, "poolWaitDuration") },
    ],
  }),
  heat({
    title: "Waits",
    description:
      "How many callers waited how long. The lowest band are hits, the one above dials, what lies higher the queue.",
    unit: "short",
    queries: [{ legend: "{{le}}", expr: sum(increase("poolWaitDuration", "", "_bucket"), "le") }],
  }),
];
