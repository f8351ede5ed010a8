import { directionColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { increase, rate, series, sum } from "../parts/query.ts";

export const natsTraffic: readonly Panel[] = [
  graph({
    title: "Messages",
    description: "Messages per second and direction, as the clients count them.",
    width: 12,
    unit: "ops",
    colours: directionColours,
    queries: [{ legend: "{{direction}}", expr: sum(rate("clientMessages"), "direction") }],
  }),
  graph({
    title: "Bytes of messages",
    description: "Bytes of messages per second and direction, as the clients count them.",
    width: 12,
    unit: "Bps",
    colours: directionColours,
    queries: [{ legend: "{{direction}}", expr: sum(rate("clientIo"), "direction") }],
  }),
  graph({
    title: "Bytes that wait for a connection",
    description: "What was published during an outage and is sent on the next connection, by client.",
    width: 12,
    unit: "bytes",
    queries: [
      { legend: "{{dialer_name}} {{instance}}", expr: sum(series("clientBufferSize"), "dialer_name, instance") },
    ],
  }),
  graph({
    title: "Messages refused",
    description: "Messages that could not be published during an outage, because the reconnect buffer was full or off.",
    width: 12,
    unit: "short",
    shape: "bars",
    colours: { refused: "red" },
    queries: [{ legend: "refused", expr: sum(increase("clientPublishesRejected")) }],
  }),
];
