import { acquireColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { rate, share, sum } from "../parts/query.ts";

/** What came of asking the pool. */
export const poolAcquires: readonly Panel[] = [
  graph({
    title: "Connections asked for, by outcome",
    description:
      "Callers per second that asked: got one that was there (hit), one just dialed (miss), or none, in time, by a failed dial, or by their own abort.",
    unit: "ops",
    shape: "stacked",
    colours: acquireColours,
    queries: [{ legend: "{{outcome}}", expr: sum(rate("poolAcquires"), "outcome") }],
  }),
  graph({
    title: "Hit share",
    description:
      "Of the connections handed out, the share that needed no dial. A pool that doesn't hit keeps too few idle, or for too short a time.",
    unit: "percentunit",
    max: 1,
    queries: [
      {
        legend: "hits",
        expr: share(sum(rate("poolAcquires", 'outcome="hit"')), sum(rate("poolAcquires", 'outcome=~"hit|miss"'))),
      },
    ],
  }),
  graph({
    title: "Asked in vain",
    description:
      "Share of the callers that got no connection, by why: none in time, or a dial that failed. Those who aborted themselves are not among them.",
    unit: "percentunit",
    shape: "stacked",
    colours: acquireColours,
    max: 1,
    queries: [
      {
        legend: "{{outcome}}",
        expr: `${sum(rate("poolAcquires", 'outcome=~"timeout|failure"'), "outcome")} / on() group_left() (${sum(rate("poolAcquires", 'outcome!="canceled"'))} > 0)`,
      },
    ],
  }),
];
