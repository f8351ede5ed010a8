import { useColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { quantile, series, share, sum } from "../parts/query.ts";

const used = 'dialer_connection_state="used"';

/** Use of the pool's connections. */
export const poolUse: readonly Panel[] = [
  graph({
    title: "Connections",
    description:
      "Connections in use and idle, stacked, below the maximum for the pool's current targets. Without a limit there is no line.",
    unit: "short",
    shape: "stacked",
    colours: useColours,
    bound: "limit",
    queries: [
      { legend: "{{dialer_connection_state}}", expr: sum(series("connectionCount"), "dialer_connection_state") },
      { legend: "limit", expr: `${sum(series("poolLimit"))} > 0` },
    ],
  }),
  graph({
    title: "Utilization",
    description:
      "Share of the maximum number of connections that is in use, by process. At 100 % the next caller waits.",
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
    title: "Use duration",
    description:
      "Time from acquiring a connection to its release. The longer it is, the fewer callers the same pool can serve.",
    unit: "s",
    queries: [
      { legend: "p50", expr: quantile(0.5, "poolUseDuration") },
      { legend: "p99", expr: quantile(0.99, "poolUseDuration") },
    ],
  }),
];
