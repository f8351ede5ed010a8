import { evictionColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { increase, rate, sum } from "../parts/query.ts";
import { lifetimes } from "./lifetimes.ts";

/** How connections come and go. */
export const poolTurnover: readonly Panel[] = [
  graph({
    title: "Connections made and lost",
    description:
      "Connections dialed and connections that the pool has no more, per second. High lines that run together are a pool that keeps nothing.",
    unit: "ops",
    queries: [
      { legend: "made", expr: sum(rate("connectionsEstablished")) },
      { legend: "lost", expr: sum(rate("poolEvictions")) },
    ],
  }),
  graph({
    title: "Evictions, by reason",
    description:
      "Why the pool has connections no more: idle too long, too old, no room, found or given back broken, destroyed by who had it. Empty when all stayed.",
    unit: "short",
    shape: "bars",
    colours: evictionColours,
    queries: [{ legend: "{{reason}}", expr: `${sum(increase("poolEvictions"), "reason")} > 0` }],
  }),
  lifetimes(),
];
