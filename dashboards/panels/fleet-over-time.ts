import { outcomeColours, stateColours } from "../parts/colours.ts";
import { dialsByOutcome } from "../parts/outcomes.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { failureShare, quantile, series, sum } from "../parts/query.ts";

export const fleetOverTime: readonly Panel[] = [
  graph({
    title: "Dials by outcome",
    description:
      "Dials that ended, per second. Red without green is a target that is down; grey is what callers aborted.",
    unit: "ops",
    shape: "stacked",
    colours: outcomeColours,
    width: 12,
    queries: dialsByOutcome,
  }),
  graph({
    title: "Dials that failed, by dialer",
    description:
      "Share of each dialer's dials that failed. One line alone is that dialer's target; all together, the network or the resolver.",
    unit: "percentunit",
    max: 1,
    width: 12,
    queries: [{ legend: "{{dialer_name}}", expr: failureShare("dialer_name") }],
  }),
  graph({
    title: "Time of a dial",
    description:
      "Quantiles of the time that dials took which succeeded, every attempt and wait included; dots are traces of single dials, where exemplars are on.",
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
    description:
      "How many clients are in each state. Anything but green for longer than a moment is an outage of those clients.",
    unit: "short",
    shape: "stacked",
    colours: stateColours,
    width: 12,
    queries: [{ legend: "{{state}}", expr: sum(series("clientStatus"), "state") }],
  }),
];
