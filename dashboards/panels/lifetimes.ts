import { graph, type Panel } from "../parts/panels.ts";
import { quantile } from "../parts/query.ts";

/** Made anew for each dashboard, for that gives it its place. */
export function lifetimes(): Panel {
  return graph({
    title: "Lifetime of connections",
    description: "How long the connections lived that closed: half of them less than p50, nine of ten less than p90.",
    unit: "s",
    queries: [
      { legend: "p50", expr: quantile(0.5, "connectionDuration") },
      { legend: "p90", expr: quantile(0.9, "connectionDuration") },
    ],
  });
}
