import { graph, type Panel } from "../parts/panels.ts";
import { quantile } from "../parts/query.ts";

/** A function, because a panel has a position and cannot be shared between dashboards. */
export function lifetimes(): Panel {
  return graph({
    title: "Connection lifetime",
    description: "Median and 90th percentile of the lifetime of closed connections.",
    unit: "s",
    queries: [
      { legend: "p50", expr: quantile(0.5, "connectionDuration") },
      { legend: "p90", expr: quantile(0.9, "connectionDuration") },
    ],
  });
}
