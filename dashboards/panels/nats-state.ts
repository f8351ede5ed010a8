import { stateColours } from "../parts/colours.ts";
import { graph, number, type Panel, timeline } from "../parts/panels.ts";
import { series, share, sum } from "../parts/query.ts";

/** The worst state, where several clients share a name. */
const states = ["connected", "draining", "connecting", "reconnecting", "closed"] as const;

const worstState = states
  .map((state, index) => `(${series("clientStatus", `nats_client_state="${state}"`)} > bool 0) * ${index + 1}`)
  .join(" or ");

export const natsState: readonly Panel[] = [
  number({
    title: "Clients connected",
    description: "Share of the clients that are connected now.",
    unit: "percentunit",
    width: 6,
    height: 8,
    steps: ["red", [0.9, "orange"], [1, "green"]],
    noValue: "no clients",
    queries: [
      {
        legend: "connected",
        expr: share(sum(series("clientStatus", 'nats_client_state="connected"')), sum(series("clientStatus"))),
      },
    ],
  }),
  number({
    title: "Time connected",
    description:
      "Share of the time range in which the clients were connected: the service level of a long-lived client.",
    unit: "percentunit",
    width: 6,
    height: 8,
    steps: ["red", [0.99, "orange"], [0.999, "green"]],
    noValue: "no clients",
    queries: [
      {
        legend: "connected",
        expr: share(
          sum(`sum_over_time(${series("clientStatus", 'nats_client_state="connected"')}[$__range])`),
          sum(`sum_over_time(${series("clientStatus", 'nats_client_state!="draining"')}[$__range])`),
        ),
      },
    ],
  }),
  graph({
    title: "Clients by state",
    description: "Clients in each state.",
    unit: "short",
    shape: "stacked",
    colours: stateColours,
    width: 12,
    queries: [{ legend: "{{nats_client_state}}", expr: sum(series("clientStatus"), "nats_client_state") }],
  }),
  timeline({
    title: "State by client",
    description:
      "State of each client over time. Simultaneous gaps in all clients point to the servers, gaps in one client to its process.",
    states: Object.fromEntries(states.map((state) => [state, stateColours[state]])),
    queries: [{ legend: "{{dialer_name}} {{instance}}", expr: `max by (dialer_name, instance) (${worstState})` }],
  }),
];
