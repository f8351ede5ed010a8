import { closeColours, directionColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { increase, rate, series, sum } from "../parts/query.ts";
import { lifetimes } from "./lifetimes.ts";

export const dialerConnections: readonly Panel[] = [
  graph({
    title: "Open connections",
    description: "Open connections. A line that only grows shows a leak.",
    unit: "short",
    queries: [{ legend: "{{instance}}", expr: sum(series("connectionCount"), "instance") }],
  }),
  graph({
    title: "Connections opened and closed",
    description:
      "Connections opened and closed per second. Two high lines close together show short-lived connections.",
    unit: "ops",
    queries: [
      { legend: "opened", expr: sum(rate("connectionEstablished")) },
      { legend: "closed", expr: sum(rate("connectionClosed")) },
    ],
  }),
  graph({
    title: "Connections closed, by reason",
    description:
      "Closed connections, by reason: closed locally, by the peer, by a reset, by a timeout. Empty if no connection closed.",
    unit: "short",
    shape: "bars",
    colours: closeColours,
    queries: [
      { legend: "{{dialer_close_reason}}", expr: `${sum(increase("connectionClosed"), "dialer_close_reason")} > 0` },
    ],
  }),
  lifetimes(),
  graph({
    title: "Bytes",
    description: "Bytes per second, by direction.",
    unit: "Bps",
    colours: directionColours,
    queries: [{ legend: "{{network_io_direction}}", expr: sum(rate("connectionIo"), "network_io_direction") }],
  }),
];
