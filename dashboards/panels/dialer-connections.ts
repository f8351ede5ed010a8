import { closeColours, directionColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { increase, quantile, rate, series, sum } from "../parts/query.ts";

export const dialerConnections: readonly Panel[] = [
  graph({
    title: "Open connections",
    description: "Connections that are open. A line that only grows is a leak.",
    unit: "short",
    queries: [{ legend: "{{instance}}", expr: sum(series("connectionCount"), "instance") }],
  }),
  graph({
    title: "Connections opened and closed",
    description:
      "Connections established and closed, per second. Lines that run together are connections that don't last.",
    unit: "ops",
    queries: [
      { legend: "opened", expr: sum(rate("connectionsEstablished")) },
      { legend: "closed", expr: sum(rate("connectionsClosed")) },
    ],
  }),
  graph({
    title: "Connections closed, by reason",
    description: "Who or what closed connections: this side, the other, a reset, a timeout. Empty when none closed.",
    unit: "short",
    shape: "bars",
    colours: closeColours,
    queries: [{ legend: "{{reason}}", expr: `${sum(increase("connectionsClosed"), "reason")} > 0` }],
  }),
  graph({
    title: "Lifetime of connections",
    description: "How long the connections lived that closed: half of them less than p50, nine of ten less than p90.",
    unit: "s",
    queries: [
      { legend: "p50", expr: quantile(0.5, "connectionDuration") },
      { legend: "p90", expr: quantile(0.9, "connectionDuration") },
    ],
  }),
  graph({
    title: "Bytes",
    description: "Bytes that the connections carried, per second and direction.",
    unit: "Bps",
    colours: directionColours,
    queries: [{ legend: "{{direction}}", expr: sum(rate("connectionIo"), "direction") }],
  }),
];
