import { type Panel, ranking } from "../parts/panels.ts";
import { failureShare, increase, series, share, sum } from "../parts/query.ts";

const dialer = "job, dialer_name";

export const fleetWorst: readonly Panel[] = [
  ranking({
    width: 12,
    title: "Worst ten: failed dials",
    description: "Dialers with the highest share of failed dials in the time range; empty without failures.",
    unit: "percentunit",
    value: "failed",
    steps: ["green", [0.01, "orange"], [0.1, "red"]],
    leadsTo: "dialtrace-dialer",
    queries: [{ legend: "", expr: `topk(10, ${failureShare(dialer, "$__range")} > 0)` }],
  }),
  ranking({
    width: 12,
    title: "Worst ten: dial duration",
    description: "Dialers with the highest 99th percentile of the duration of successful dials in the time range.",
    unit: "s",
    value: "p99",
    steps: ["green", [1, "orange"], [5, "red"]],
    leadsTo: "dialtrace-dialer",
    queries: [
      {
        legend: "",
        expr: `topk(10, histogram_quantile(0.99, ${sum(increase("dialDuration", 'error_type=""', "_bucket", "$__range"), `le, ${dialer}`)}) > 0)`,
      },
    ],
  }),
  ranking({
    width: 12,
    title: "Worst ten: time disconnected",
    description:
      "NATS clients that were disconnected for the largest share of the time range; empty if all were always connected.",
    unit: "percentunit",
    value: "disconnected",
    steps: ["green", [0.001, "orange"], [0.01, "red"]],
    leadsTo: "dialtrace-nats",
    queries: [
      {
        legend: "",
        expr: `topk(10, 1 - ${share(
          sum(`sum_over_time(${series("clientStatus", 'nats_client_state="connected"')}[$__range])`, dialer),
          sum(`sum_over_time(${series("clientStatus", 'nats_client_state!="draining"')}[$__range])`, dialer),
        )} > 0)`,
      },
    ],
  }),
  ranking({
    width: 12,
    title: "Worst ten: pool wait",
    description:
      "Pools with the highest 99th percentile of the wait for a connection in the time range, including waits that failed.",
    unit: "s",
    value: "p99",
    steps: ["green", [1, "orange"], [5, "red"]],
    leadsTo: "dialtrace-pool",
    queries: [
      {
        legend: "",
        expr: `topk(10, histogram_quantile(0.99, ${sum(increase("poolWaitDuration", "", "_bucket", "$__range"), `le, ${dialer}`)}) > 0)`,
      },
    ],
  }),
];
