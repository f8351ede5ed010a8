import { outcomeColours } from "../parts/colours.ts";
import { dialsByOutcome } from "../parts/outcomes.ts";
import { graph, heat, type Panel } from "../parts/panels.ts";
import { increase, quantile, series, sum } from "../parts/query.ts";

const ok = 'error_type=""';

export const dialerDials: readonly Panel[] = [
  graph({
    title: "Dials by outcome",
    description: "Dials that ended, per second: the rate. A dial is one call of the dialer, all its attempts included.",
    unit: "ops",
    shape: "stacked",
    colours: outcomeColours,
    queries: dialsByOutcome,
  }),
  graph({
    title: "Time of a dial",
    description:
      "Quantiles of the time that successful dials took, every attempt and wait included; dots are traces of single dials, where exemplars are on.",
    unit: "s",
    exemplars: true,
    queries: [
      { legend: "p50", expr: quantile(0.5, "dialDuration", ok) },
      { legend: "p95", expr: quantile(0.95, "dialDuration", ok) },
      { legend: "p99", expr: quantile(0.99, "dialDuration", ok) },
    ],
  }),
  heat({
    title: "Time of dials",
    description:
      "How many successful dials took how long. Two bands are two kinds of dials: those that a retry mended lie above the others.",
    unit: "short",
    queries: [{ legend: "{{le}}", expr: sum(increase("dialDuration", ok, "_bucket"), "le") }],
  }),
  graph({
    title: "Under way",
    description: "Dials and attempts that have begun and not ended. One that stays is stuck: it has no bound.",
    unit: "short",
    queries: [
      { legend: "dials", expr: sum(series("dialActive")) },
      { legend: "attempts", expr: sum(series("attemptActive")) },
    ],
  }),
];
