import { networkColours, phaseColours } from "../parts/colours.ts";
import { graph, number, type Panel } from "../parts/panels.ts";
import { rate, series, share, sum } from "../parts/query.ts";

/** Successful connects per second. A unix socket has a transport, but no network type. */
const connected = `label_replace(${rate("connectDone", 'dialer_outcome="success"')}, "network_type", "unix", "network_transport", "unix")`;

export const dialerTime: readonly Panel[] = [
  graph({
    title: "Phase duration",
    description: "Mean duration of each phase of an attempt, stacked: DNS, connect, proxy, TLS, protocol handshake.",
    unit: "s",
    shape: "stacked",
    colours: phaseColours,
    queries: [
      {
        legend: "{{dialer_phase}}",
        expr: share(
          sum(rate("phaseDuration", "", "_sum"), "dialer_phase"),
          sum(rate("phaseDuration", "", "_count"), "dialer_phase"),
        ),
      },
    ],
  }),
  graph({
    title: "Retry delay",
    description:
      "Mean delay per retry. It grows with the backoff while a target is down. Start delays before first attempts are included.",
    unit: "s",
    queries: [{ legend: "backoff", expr: share(sum(rate("backoffTime")), sum(rate("retryScheduled"))) }],
  }),
  graph({
    title: "Connects, by address family",
    description:
      "Successful connects per second, by address family; connects to unix sockets are counted separately. An unexpected change between IPv4 and IPv6 points to a change in the network.",
    unit: "ops",
    shape: "stacked",
    colours: networkColours,
    queries: [{ legend: "{{network_type}}", expr: sum(connected, "network_type") }],
  }),
  number({
    title: "Certificate expires in",
    description: "Time until the earliest expiry of the servers' certificates, as last seen in a TLS handshake.",
    unit: "s",
    width: 8,
    height: 8,
    steps: ["red", [7 * 86_400, "orange"], [30 * 86_400, "green"]],
    noValue: "no TLS yet",
    queries: [{ legend: "expires in", expr: `min(${series("peerCertificateExpiry")}) - time()` }],
  }),
];
