import { dialsByOutcome } from "../parts/outcomes.ts";
import { number, type Panel } from "../parts/panels.ts";
import { failureShare, increase, quantile, series, share, sum } from "../parts/query.ts";

const windowed = "over the time shown";

export const fleetNow: readonly Panel[] = [
  number({
    title: "NATS clients connected",
    description:
      "Share of all NATS clients that are connected now. What a client is for is to be connected: look here first.",
    unit: "percentunit",
    steps: ["red", [0.9, "orange"], [1, "green"]],
    noValue: "no clients",
    queries: [
      {
        legend: "connected",
        expr: share(sum(series("clientStatus", 'state="connected"')), sum(series("clientStatus"))),
      },
    ],
  }),
  number({
    title: "Dials that failed",
    description: `Share of dials that failed ${windowed}, retries used up. A failure that a retry mended is not among them, nor is what callers aborted.`,
    unit: "percentunit",
    steps: ["green", [0.01, "orange"], [0.1, "red"]],
    noValue: "no dials",
    queries: [{ legend: "failed", expr: failureShare("", "$__range") }],
  }),
  number({
    title: "Attempts that failed",
    description: `Share of attempts that failed ${windowed}. Far above the share of dials, it shows how much retries are mending.`,
    unit: "percentunit",
    steps: ["green", [0.1, "orange"], [0.5, "red"]],
    noValue: "no attempts",
    queries: [
      {
        legend: "failed",
        expr: share(
          sum(increase("attemptsFailed", "", "", "$__range")),
          sum(increase("attemptsStarted", "", "", "$__range")),
        ),
      },
    ],
  }),
  number({
    title: "Dials",
    description: "Dials that ended, per second, now: succeeded, failed and canceled.",
    unit: "ops",
    queries: [
      {
        legend: "dials",
        expr: dialsByOutcome.map(({ expr }) => expr).join(" + "),
      },
    ],
  }),
  number({
    title: "Time of a dial, now",
    description:
      "Half of the dials that succeed take less than p50, all but one in a hundred less than p99; every attempt and wait included.",
    unit: "s",
    noValue: "no dials",
    queries: [
      { legend: "p50", expr: quantile(0.5, "dialDuration", 'error_type=""') },
      { legend: "p99", expr: quantile(0.99, "dialDuration", 'error_type=""') },
    ],
  }),
  number({
    title: "Open connections",
    description: "Connections that are open now, of all dialers.",
    unit: "short",
    queries: [{ legend: "open", expr: sum(series("connectionCount")) }],
  }),
];
