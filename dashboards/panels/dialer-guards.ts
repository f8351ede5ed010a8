import { breakerColours, limitColours, reasonColours } from "../parts/colours.ts";
import { graph, type Panel, timeline } from "../parts/panels.ts";
import { increase, quantile, rate, series, sum } from "../parts/query.ts";

/** Where several breakers are counted together, the timeline shows the worst off of them. */
const worstState = Object.keys(breakerColours)
  .map((state, index) => `(${series("breakerStatus", `state="${state}"`)} > bool 0) * ${index + 1}`)
  .join(" or ");

/** What comes between the caller and an attempt: failover, breakers, limits. */
export const dialerGuards: readonly Panel[] = [
  graph({
    title: "Failovers, by reason",
    description:
      "Times per second that a dial went on with another target, by the failure before. Empty when every first choice answered.",
    unit: "ops",
    shape: "bars",
    colours: reasonColours,
    queries: [{ legend: "{{error_type}}", expr: `${sum(rate("failovers"), "error_type")} > 0` }],
  }),
  graph({
    title: "Breakers that changed",
    description:
      "How often breakers opened, let one dial through to see, and closed. Many that open and few that close are targets that stay down.",
    unit: "short",
    shape: "bars",
    colours: breakerColours,
    queries: [{ legend: "{{state}}", expr: `${sum(increase("breakerTransitions"), "state")} > 0` }],
  }),
  graph({
    title: "Waits at limits",
    description:
      "How long dials waited for their turn at a limit of one's own, in number or per second; those that went through at once don't count.",
    unit: "s",
    colours: Object.fromEntries(Object.entries(limitColours).map(([limit, colour]) => [`${limit} p99`, colour])),
    queries: [
      { legend: "{{limit}} p50", expr: quantile(0.5, "limitWaitDuration", "", "limit") },
      { legend: "{{limit}} p99", expr: quantile(0.99, "limitWaitDuration", "", "limit") },
    ],
  }),
  timeline({
    title: "State of breakers",
    description:
      "When each process's breakers were open: the worst of them, each endpoint apart where such are configured. Empty where none ever changed.",
    states: breakerColours,
    height: 6,
    queries: [{ legend: "{{instance}} {{endpoint}}", expr: `max by (instance, endpoint) (${worstState}) > 0` }],
  }),
];
