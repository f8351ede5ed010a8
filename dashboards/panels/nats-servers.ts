import { errorKindColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { increase, series, sum } from "../parts/query.ts";

export const natsServers: readonly Panel[] = [
  graph({
    title: "Servers known",
    description:
      "Servers that a client may connect to, on average: those that it was given, and those that a server told it of.",
    width: 12,
    unit: "short",
    shape: "stacked",
    colours: { configured: "blue", discovered: "green" },
    queries: [
      {
        legend: "{{source}}",
        expr: `${sum(series("clientServerCount"), "source")} / on() group_left() (${sum(series("clientStatus", 'state!="closed"'))} > 0)`,
      },
    ],
  }),
  graph({
    title: "Servers that joined and left",
    description: "Changes of the cluster as its servers told them, summed over the clients.",
    width: 12,
    unit: "short",
    shape: "bars",
    colours: { added: "green", removed: "orange" },
    queries: [{ legend: "{{change}}", expr: sum(increase("clientServerChanges"), "change") }],
  }),
  graph({
    title: "What befell connections",
    description:
      "Lame ducks: the server is about to stop. Stale: it answered no ping. Slow consumers: a subscription fell behind. Forced: the owner asked to reconnect.",
    width: 12,
    unit: "short",
    shape: "bars",
    colours: { "lame duck": "light-yellow", stale: "purple", "slow consumer": "orange", forced: "light-green" },
    queries: [
      { legend: "lame duck", expr: sum(increase("clientLameDuck")) },
      { legend: "stale", expr: sum(increase("clientStaleConnections")) },
      { legend: "slow consumer", expr: sum(increase("clientSlowConsumers")) },
      { legend: "forced", expr: sum(increase("clientForcedReconnects")) },
    ],
  }),
  graph({
    title: "Errors that servers reported",
    description:
      "Errors on connections that were up: a subject that is forbidden, credentials, the protocol. Empty when there were none.",
    width: 12,
    unit: "short",
    shape: "bars",
    colours: errorKindColours,
    queries: [{ legend: "{{kind}}", expr: `${sum(increase("clientErrors"), "kind")} > 0` }],
  }),
];
