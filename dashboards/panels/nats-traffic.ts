import { directionColours } from "../parts/colours.ts";
import { graph, number, type Panel } from "../parts/panels.ts";
import { increase, rate, series, sum } from "../parts/query.ts";

export const natsTraffic: readonly Panel[] = [
  graph({
    title: "Messages",
    description: "Messages per second, by direction, as counted by the clients.",
    width: 12,
    unit: "ops",
    colours: directionColours,
    queries: [{ legend: "{{network_io_direction}}", expr: sum(rate("clientMessages"), "network_io_direction") }],
  }),
  graph({
    title: "Message bytes",
    description: "Message bytes per second, by direction, as counted by the clients.",
    width: 12,
    unit: "Bps",
    colours: directionColours,
    queries: [{ legend: "{{network_io_direction}}", expr: sum(rate("clientIo"), "network_io_direction") }],
  }),
  graph({
    title: "Buffered bytes",
    description: "Bytes published during an outage and sent after the reconnect, by client.",
    width: 12,
    unit: "bytes",
    queries: [
      { legend: "{{dialer_name}} {{instance}}", expr: sum(series("clientBufferSize"), "dialer_name, instance") },
    ],
  }),
  graph({
    title: "Rejected messages",
    description: "Messages rejected during an outage because the reconnect buffer was full or disabled.",
    width: 12,
    unit: "short",
    shape: "bars",
    colours: { rejected: "red" },
    queries: [{ legend: "rejected", expr: sum(increase("clientPublishRejected")) }],
  }),
  graph({
    title: "Lost messages",
    description:
      "Dropped: buffered when the client closed, never sent. Unconfirmed: the connection ended before a PONG confirmed them, so they may be lost.",
    width: 12,
    unit: "short",
    shape: "bars",
    colours: { dropped: "red", unconfirmed: "orange" },
    queries: [
      { legend: "dropped", expr: sum(increase("clientPublishDropped")) },
      { legend: "unconfirmed", expr: sum(increase("clientPublishUnconfirmed")) },
    ],
  }),
  number({
    title: "Credentials expire in",
    description: "Time until the earliest expiry of the clients' credentials, by kind: JWTs and client certificates.",
    unit: "s",
    width: 12,
    height: 8,
    steps: ["red", [86_400, "orange"], [7 * 86_400, "green"]],
    noValue: "none expires",
    queries: [
      {
        legend: "{{nats_client_credentials_kind}}",
        expr: `min by (nats_client_credentials_kind) (${series("clientCredentialsExpiry")}) - time()`,
      },
    ],
  }),
];
