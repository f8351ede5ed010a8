import { evictionColours } from "../parts/colours.ts";
import { graph, type Panel } from "../parts/panels.ts";
import { increase, rate, sum } from "../parts/query.ts";
import { lifetimes } from "./lifetimes.ts";

/** Connections that enter and leave the pool. */
export const poolTurnover: readonly Panel[] = [
  graph({
    title: "Connections added and removed",
    description:
      "Connections added to and removed from the pool per second. Two high lines close together mean that the pool reuses little.",
    unit: "ops",
    queries: [
      { legend: "added", expr: sum(rate("connectionEstablished")) },
      { legend: "removed", expr: sum(rate("poolEvictions")) },
    ],
  }),
  graph({
    title: "Evictions, by reason",
    description:
      "Connections removed from the pool, by reason: idle too long, too old, no room, found or released broken, destroyed while in use. Empty if none were removed.",
    unit: "short",
    shape: "bars",
    colours: evictionColours,
    queries: [
      {
        legend: "{{dialer_pool_eviction_reason}}",
        expr: `${sum(increase("poolEvictions"), "dialer_pool_eviction_reason")} > 0`,
      },
    ],
  }),
  lifetimes(),
];
