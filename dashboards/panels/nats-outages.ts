import { closeColours } from "../parts/colours.ts";
import { graph, heat, type Panel } from "../parts/panels.ts";
import { increase, quantile, rate, share, sum } from "../parts/query.ts";

export const natsOutages: readonly Panel[] = [
  graph({
    title: "Disconnects, by reason",
    description:
      "Connections lost or closed, by reason. The reasons lame_duck and forced are deliberate disconnects. Empty without disconnects.",
    width: 12,
    unit: "short",
    shape: "bars",
    colours: closeColours,
    queries: [
      {
        legend: "{{nats_client_disconnect_reason}}",
        expr: `${sum(increase("clientDisconnects"), "nats_client_disconnect_reason")} > 0`,
      },
    ],
  }),
  graph({
    title: "Outage duration",
    description: "Time from losing a connection to the reconnect, for outages that have ended.",
    width: 12,
    unit: "s",
    queries: [
      { legend: "p50", expr: quantile(0.5, "clientOutageDuration") },
      { legend: "p99", expr: quantile(0.99, "clientOutageDuration") },
      {
        legend: "mean",
        expr: share(sum(rate("clientOutageDuration", "", "_sum")), sum(rate("clientOutageDuration", "", "_count"))),
      },
    ],
  }),
  graph({
    title: "Reconnects",
    description:
      "Successful reconnects, and the dials that they needed. Many dials for few reconnects mean that servers are down.",
    width: 12,
    unit: "short",
    queries: [
      { legend: "reconnects", expr: sum(increase("clientReconnectSucceeded")) },
      { legend: "dials", expr: sum(increase("clientReconnectAttempts")) },
    ],
  }),
  heat({
    title: "Round-trip time",
    description: "Round-trip time to the server, of clients with rttIntervalMs.",
    width: 12,
    unit: "short",
    queries: [{ legend: "{{le}}", expr: sum(increase("clientRtt", "", "_bucket"), "le") }],
  }),
];
