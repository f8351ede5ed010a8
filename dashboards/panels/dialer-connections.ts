import { closeColours, directionColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { increase, rate, series, sum } from "../parts/query.ts";
import { lifetimes } from "./lifetimes.ts";

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
  lifetimes(),
  graph({
    title: "Bytes",
    description: "Bytes that the connections carried, per second and direction.",
    unit: "Bps",
    colours: directionColours,
    queries: [{ legend: "{{direction}}", expr: sum(rate("connectionIo"), "direction") }],
  }),
];
