import { networkColours, phaseColours } from "../parts/colours.ts";
import { graph, number, type Panel } from "../parts/panels.ts";
import { rate, series, share, sum } from "../parts/query.ts";

export const dialerTime: readonly Panel[] = [
  graph({
    title: "Where the time goes",
    description:
      "Mean time of each phase of an attempt, one above another: name, TCP, proxy, TLS, the client's handshake.",
    unit: "s",
    shape: "stacked",
    colours: phaseColours,
    queries: [
      {
        legend: "{{phase}}",
        expr: share(sum(rate("phaseDuration", "", "_sum"), "phase"), sum(rate("phaseDuration", "", "_count"), "phase")),
      },
    ],
  }),
  graph({
    title: "Waits between attempts",
    description:
      "Mean wait for each retry. It grows with the backoff while a target stays down. Waits before first attempts, where there are such, are in it.",
    unit: "s",
    queries: [{ legend: "backoff", expr: share(sum(rate("backoffTime")), sum(rate("retries"))) }],
  }),
  graph({
    title: "Who wins: IPv4 or IPv6",
    description:
      "Addresses connected to, per second, by their kind. A change of the winner with no change of yours is one of the network.",
    unit: "ops",
    shape: "stacked",
    colours: networkColours,
    queries: [{ legend: "{{network_type}}", expr: sum(rate("connects", 'outcome="success"'), "network_type") }],
  }),
  number({
    title: "Certificates expire in",
    description: "Time until the first of the servers' certificates expires, as last seen in a TLS handshake.",
    unit: "s",
    width: 8,
    height: 8,
    steps: ["red", [7 * 86_400, "orange"], [30 * 86_400, "green"]],
    noValue: "no TLS yet",
    queries: [{ legend: "expires in", expr: `min(${series("peerCertificateExpiry")}) - time()` }],
  }),
];
