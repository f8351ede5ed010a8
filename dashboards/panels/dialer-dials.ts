import { outcomeColours } from "../parts/colours.ts";
import { dialsByOutcome } from "../parts/outcomes.ts";
import { graph, heat, type Panel } from "../parts/panels.ts";
import { increase, quantile, series, sum } from "../parts/query.ts";

const ok = 'error_type=""';

export const dialerDials: readonly Panel[] = [
  graph({
    title: "Dials by outcome",
    description: "Dials that ended, per second. A dial is one call of the dialer, with all its attempts.",
    unit: "ops",
    shape: "stacked",
    colours: outcomeColours,
    queries: dialsByOutcome,
  }),
  graph({
    title: "Dial duration",
    description:
      "Quantiles of the duration of successful dials, including all attempts and delays. Dots link to traces of single dials, if exemplars are enabled.",
    unit: "s",
    exemplars: true,
    queries: [
      { legend: "p50", expr: quantile(0.5, "dialDuration", ok) },
      { legend: "p95", expr: quantile(0.95, "dialDuration", ok) },
      { legend: "p99", expr: quantile(0.99, "dialDuration", ok) },
    ],
  }),
  heat({
    title: "Dial duration, distribution",
    description: "Successful dials by duration. A second band above the first usually shows dials that needed a retry.",
    unit: "short",
    queries: [{ legend: "{{le}}", expr: sum(increase("dialDuration", ok, "_bucket"), "le") }],
  }),
  graph({
    title: "In progress",
    description: "Dials and attempts in progress. A dial that never ends is stuck, because it has no timeout.",
    unit: "short",
    queries: [
      { legend: "dials", expr: sum(series("dialActive")) },
      { legend: "attempts", expr: sum(series("attemptActive")) },
    ],
  }),
];
