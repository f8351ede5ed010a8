import { acquireColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { rate, share, sum } from "../parts/query.ts";

/** Requests for a connection, by outcome. */
export const poolAcquires: readonly Panel[] = [
  graph({
    title: "Acquires, by outcome",
    description:
      "Requests for a connection per second: an idle connection (hit), a new one (miss), or none because of a timeout, a failed dial or a cancel.",
    unit: "ops",
    shape: "stacked",
    colours: acquireColours,
    queries: [{ legend: "{{dialer_pool_outcome}}", expr: sum(rate("poolAcquires"), "dialer_pool_outcome") }],
  }),
  graph({
    title: "Hit ratio",
    description:
      "Share of granted connections that needed no dial. If it is low, the pool keeps too few idle connections, or keeps them too briefly.",
    unit: "percentunit",
    max: 1,
    queries: [
      {
        legend: "hits",
        expr: share(
          sum(rate("poolAcquires", 'dialer_pool_outcome="hit"')),
          sum(rate("poolAcquires", 'dialer_pool_outcome=~"hit|miss"')),
        ),
      },
    ],
  }),
  graph({
    title: "Failed acquires",
    description:
      "Share of requests that got no connection, by outcome: a timeout or a failed dial. Canceled requests are not included.",
    unit: "percentunit",
    shape: "stacked",
    colours: acquireColours,
    max: 1,
    queries: [
      {
        legend: "{{dialer_pool_outcome}}",
        expr: `${sum(rate("poolAcquires", 'dialer_pool_outcome=~"timeout|failure"'), "dialer_pool_outcome")} / on() group_left() (${sum(rate("poolAcquires", 'dialer_pool_outcome!="canceled"'))} > 0)`,
      },
    ],
  }),
];
