import { causeColours, reasonColours, scopeColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { rate, sum } from "../parts/query.ts";

export const dialerFailures: readonly Panel[] = [
  graph({
    title: "Dials failed, by reason",
    description: "Why dials failed in the end, per second: the errors that callers saw. Empty when none failed.",
    unit: "ops",
    shape: "bars",
    colours: reasonColours,
    queries: [
      { legend: "{{error_type}}", expr: `${sum(rate("dialDuration", 'error_type!=""', "_count"), "error_type")} > 0` },
    ],
  }),
  graph({
    title: "Attempts failed, by reason",
    description: "Why attempts failed, per second, those that a retry mended included. Empty when none failed.",
    unit: "ops",
    shape: "bars",
    colours: reasonColours,
    queries: [{ legend: "{{error_type}}", expr: `${sum(rate("attemptsFailed"), "error_type")} > 0` }],
  }),
  graph({
    title: "Bounds that passed",
    description: "Timeouts per second by what they bounded: a whole dial, an attempt, a phase of it.",
    unit: "ops",
    shape: "bars",
    colours: scopeColours,
    queries: [{ legend: "{{scope}}", expr: `${sum(rate("timeouts"), "scope")} > 0` }],
  }),
  graph({
    title: "Retries, by reason",
    description:
      "Retries per second by the failure before them. More of them than dials is a target that hardly answers.",
    unit: "ops",
    shape: "bars",
    colours: reasonColours,
    queries: [{ legend: "{{error_type}}", expr: `${sum(rate("retries"), "error_type")} > 0` }],
  }),
  graph({
    title: "Retrying given up, by cause",
    description:
      "Dials per second that stopped retrying: out of attempts, past a deadline, or for a reason that no retry mends.",
    unit: "ops",
    shape: "bars",
    colours: causeColours,
    queries: [{ legend: "{{cause}}", expr: `${sum(rate("retriesExhausted"), "cause")} > 0` }],
  }),
];
