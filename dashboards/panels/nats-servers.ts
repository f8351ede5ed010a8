import { errorKindColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { increase, series, sum } from "../parts/query.ts";

export const natsServers: readonly Panel[] = [
  graph({
    title: "Known servers",
    description:
      "Servers that a client can connect to, on average, by source: configured, or discovered from a server.",
    width: 12,
    unit: "short",
    shape: "stacked",
    colours: { configured: "blue", discovered: "green" },
    queries: [
      {
        legend: "{{nats_client_server_source}}",
        expr: `${sum(series("clientServerCount"), "nats_client_server_source")} / on() group_left() (${sum(series("clientStatus", 'nats_client_state!="closed"'))} > 0)`,
      },
    ],
  }),
  graph({
    title: "Servers added and removed",
    description: "Changes of the cluster as reported by its servers, summed over the clients.",
    width: 12,
    unit: "short",
    shape: "bars",
    colours: { added: "green", removed: "orange" },
    queries: [
      {
        legend: "{{nats_client_server_change}}",
        expr: sum(increase("clientServerChanges"), "nats_client_server_change"),
      },
    ],
  }),
  graph({
    title: "Connection events",
    description:
      "Lame duck: the server announced its shutdown. Stale: pings were not answered. Slow consumer: a subscription exceeded its limit. Forced: the application requested a reconnect.",
    width: 12,
    unit: "short",
    shape: "bars",
    colours: { "lame duck": "light-yellow", stale: "purple", "slow consumer": "orange", forced: "light-green" },
    queries: [
      { legend: "lame duck", expr: sum(increase("clientLameDuck")) },
      { legend: "stale", expr: sum(increase("clientStaleConnections")) },
      { legend: "slow consumer", expr: sum(increase("clientSlowConsumers")) },
      { legend: "forced", expr: sum(increase("clientReconnectForced")) },
    ],
  }),
  graph({
    title: "Server errors",
    description:
      "Errors on established connections, by kind: permissions, credentials, the protocol. Empty without errors.",
    width: 12,
    unit: "short",
    shape: "bars",
    colours: errorKindColours,
    queries: [
      { legend: "{{nats_client_error_kind}}", expr: `${sum(increase("clientErrors"), "nats_client_error_kind")} > 0` },
    ],
  }),
];
