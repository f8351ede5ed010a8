import { closeColours } from "../parts/colours.ts";
import { graph, heat, type Panel } from "../parts/panels.ts";
import { increase, quantile, rate, share, sum } from "../parts/query.ts";

export const natsOutages: readonly Panel[] = [
  graph({
    title: "Disconnects, by reason",
    description:
      "Connections lost or closed, by who or what ended them. Lame ducks and forced ones are meant to happen; empty when none did.",
    width: 12,
    unit: "short",
    shape: "bars",
    colours: closeColours,
    queries: [{ legend: "{{reason}}", expr: `${sum(increase("clientDisconnects"), "reason")} > 0` }],
  }),
  graph({
    title: "Length of outages",
    description: "Time from the loss of a connection to the reconnect, of the outages that ended.",
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
      "Reconnects that succeeded, and the dials made for them. Many dials for few reconnects are servers that are down.",
    width: 12,
    unit: "short",
    queries: [
      { legend: "reconnects", expr: sum(increase("clientReconnects")) },
      { legend: "dials", expr: sum(increase("clientReconnectAttempts")) },
    ],
  }),
  heat({
    title: "Round trips",
    description: "How long measured round trips to the server took. Only of clients with rttIntervalMs.",
    width: 12,
    unit: "short",
    queries: [{ legend: "{{le}}", expr: sum(increase("clientRtt", "", "_bucket"), "le") }],
  }),
];
