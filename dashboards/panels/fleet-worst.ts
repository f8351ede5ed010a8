import { type Panel, ranking } from "../parts/panels.ts";
import { failureShare, increase, series, share, sum } from "../parts/query.ts";

const dialer = "job, dialer_name";

export const fleetWorst: readonly Panel[] = [
  ranking({
    width: 12,
    title: "Worst ten: dials that failed",
    description: "Dialers by the share of their dials that failed over the time shown; empty when none did.",
    unit: "percentunit",
    value: "failed",
    steps: ["green", [0.01, "orange"], [0.1, "red"]],
    leadsTo: "dialtrace-dialer",
    queries: [{ legend: "", expr: `topk(10, ${failureShare(dialer, "$__range")} > 0)` }],
  }),
  ranking({
    width: 12,
    title: "Worst ten: time of a dial",
    description:
      "Dialers by the time that all but one in a hundred of their successful dials stayed below, over the time shown.",
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
      "NATS clients by the share of the time shown in which they were not connected; empty when all always were.",
    unit: "percentunit",
    value: "disconnected",
    steps: ["green", [0.001, "orange"], [0.01, "red"]],
    leadsTo: "dialtrace-nats",
    queries: [
      {
        legend: "",
        expr: `topk(10, 1 - ${share(
          sum(`sum_over_time(${series("clientStatus", 'state="connected"')}[$__range])`, dialer),
          sum(`sum_over_time(${series("clientStatus", 'state!="draining"')}[$__range])`, dialer),
        )} > 0)`,
      },
    ],
  }),
  ranking({
    width: 12,
    title: "Worst ten: wait for a pool's connection",
    description:
      "Pools by the time within which all but one in a hundred callers were answered, over the time shown, those included who waited in vain.",
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
