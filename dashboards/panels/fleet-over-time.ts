import { outcomeColours, stateColours } from "../parts/colours.ts";
import { dialsByOutcome } from "../parts/outcomes.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { failureShare, quantile, series, sum } from "../parts/query.ts";

export const fleetOverTime: readonly Panel[] = [
  graph({
    title: "Dials by outcome",
    description:
      "Dials that ended, per second. Red without green means that a target is down; gray dials were canceled by callers.",
    unit: "ops",
    shape: "stacked",
    colours: outcomeColours,
    width: 12,
    queries: dialsByOutcome,
  }),
  graph({
    title: "Failed dials, by dialer",
    description:
      "Share of failed dials per dialer. One rising line points to that dialer's target, all lines together to the network or the resolver.",
    unit: "percentunit",
    max: 1,
    width: 12,
    queries: [{ legend: "{{dialer_name}}", expr: failureShare("dialer_name") }],
  }),
  graph({
    title: "Dial duration",
    description:
      "Quantiles of the duration of successful dials, including all attempts and delays. Dots link to traces of single dials, if exemplars are enabled.",
    unit: "s",
    exemplars: true,
    width: 12,
    queries: [
      { legend: "p50", expr: quantile(0.5, "dialDuration", 'error_type=""') },
      { legend: "p99", expr: quantile(0.99, "dialDuration", 'error_type=""') },
    ],
  }),
  graph({
    title: "NATS clients by state",
    description: "Clients in each state. Any color other than green shows clients in an outage.",
    unit: "short",
    shape: "stacked",
    colours: stateColours,
    width: 12,
    queries: [{ legend: "{{nats_client_state}}", expr: sum(series("clientStatus"), "nats_client_state") }],
  }),
];
