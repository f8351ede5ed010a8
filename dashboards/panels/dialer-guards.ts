import { breakerColours, limitColours, reasonColours } from "../parts/colours.ts";
import { graph, type Panel, timeline } from "../parts/panels.ts";
import { increase, quantile, rate, series, sum } from "../parts/query.ts";

/** The worst state, where several breakers share their series. */
const worstState = Object.keys(breakerColours)
  .map((state, index) => `(${series("breakerStatus", `dialer_breaker_state="${state}"`)} > bool 0) * ${index + 1}`)
  .join(" or ");

/** Layers between the caller and an attempt: failover, breakers, limits. */
export const dialerGuards: readonly Panel[] = [
  graph({
    title: "Failovers, by reason",
    description: "Failovers per second, by the reason of the preceding failure. Empty if every first target answered.",
    unit: "ops",
    shape: "bars",
    colours: reasonColours,
    queries: [{ legend: "{{error_type}}", expr: `${sum(rate("failovers"), "error_type")} > 0` }],
  }),
  graph({
    title: "Breaker transitions",
    description:
      "Breakers that opened, became half-open for a probe, and closed. Many that open and few that close mean that targets stay down.",
    unit: "short",
    shape: "bars",
    colours: breakerColours,
    queries: [
      {
        legend: "{{dialer_breaker_state}}",
        expr: `${sum(increase("breakerTransitions"), "dialer_breaker_state")} > 0`,
      },
    ],
  }),
  graph({
    title: "Limit wait",
    description: "Time that dials waited at a concurrency or rate limit. Dials that did not wait are not counted.",
    unit: "s",
    colours: Object.fromEntries(Object.entries(limitColours).map(([limit, colour]) => [`${limit} p99`, colour])),
    queries: [
      { legend: "{{dialer_limit_type}} p50", expr: quantile(0.5, "limitWaitDuration", "", "dialer_limit_type") },
      { legend: "{{dialer_limit_type}} p99", expr: quantile(0.99, "limitWaitDuration", "", "dialer_limit_type") },
    ],
  }),
  timeline({
    title: "Breaker state",
    description:
      "State of each process's breakers over time: the worst state, separately for each configured endpoint. Empty if no breaker ever changed.",
    states: breakerColours,
    height: 6,
    queries: [
      { legend: "{{instance}} {{dialer_endpoint}}", expr: `max by (instance, dialer_endpoint) (${worstState}) > 0` },
    ],
  }),
];
