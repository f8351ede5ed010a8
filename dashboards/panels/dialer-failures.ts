import { causeColours, reasonColours, scopeColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { rate, sum } from "../parts/query.ts";

export const dialerFailures: readonly Panel[] = [
  graph({
    title: "Failed dials, by reason",
    description: "Failed dials per second, by the reason that callers saw. Empty without failures.",
    unit: "ops",
    shape: "bars",
    colours: reasonColours,
    queries: [
      { legend: "{{error_type}}", expr: `${sum(rate("dialDuration", 'error_type!=""', "_count"), "error_type")} > 0` },
    ],
  }),
  graph({
    title: "Failed attempts, by reason",
    description:
      "Failed attempts per second, by reason, including those followed by a successful retry. Empty without failures.",
    unit: "ops",
    shape: "bars",
    colours: reasonColours,
    queries: [{ legend: "{{error_type}}", expr: `${sum(rate("attemptFailed"), "error_type")} > 0` }],
  }),
  graph({
    title: "Timeouts, by scope",
    description: "Timeouts per second, by scope: the dial, an attempt, a phase, a pool's wait, an idle connection.",
    unit: "ops",
    shape: "bars",
    colours: scopeColours,
    queries: [{ legend: "{{dialer_timeout_scope}}", expr: `${sum(rate("timeouts"), "dialer_timeout_scope")} > 0` }],
  }),
  graph({
    title: "Retries, by reason",
    description:
      "Retries per second, by the reason of the preceding failure. More retries than dials mean that the target rarely answers.",
    unit: "ops",
    shape: "bars",
    colours: reasonColours,
    queries: [{ legend: "{{error_type}}", expr: `${sum(rate("retryScheduled"), "error_type")} > 0` }],
  }),
  graph({
    title: "Retries exhausted, by cause",
    description:
      "Dials per second that stopped retrying, because of the maximum number of attempts, a deadline, or a failure that is not retried.",
    unit: "ops",
    shape: "bars",
    colours: causeColours,
    queries: [{ legend: "{{dialer_retry_cause}}", expr: `${sum(rate("retryExhausted"), "dialer_retry_cause")} > 0` }],
  }),
];
