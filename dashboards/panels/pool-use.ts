import { useColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { quantile, series, share, sum } from "../parts/query.ts";

const used = 'state="used"';

/** How much of the pool is in use. */
export const poolUse: readonly Panel[] = [
  graph({
    title: "Connections",
    description:
      "Connections in use and idle, one above the other, beneath what the pool may have to the targets that it knows now; no line where there is no bound.",
    unit: "short",
    shape: "stacked",
    colours: useColours,
    bound: "limit",
    queries: [
      { legend: "{{state}}", expr: sum(series("connectionCount"), "state") },
      { legend: "limit", expr: `${sum(series("poolLimit"))} > 0` },
    ],
  }),
  graph({
    title: "Share in use",
    description: "Connections in use, of those that the pool may have, by process. At 100 % the next caller waits.",
    unit: "percentunit",
    max: 1,
    queries: [
      {
        legend: "{{instance}}",
        expr: share(sum(series("connectionCount", used), "instance"), sum(series("poolLimit"), "instance")),
      },
    ],
  }),
  graph({
    title: "Time in use",
    description:
      "How long callers kept connections before they gave them back. Where it grows, fewer callers share the same pool.",
    unit: "s",
    queries: [
      { legend: "p50", expr: quantile(0.5, "poolUseDuration") },
      { legend: "p99", expr: quantile(0.99, "poolUseDuration") },
    ],
  }),
];
