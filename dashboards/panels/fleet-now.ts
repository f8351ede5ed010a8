import { dialsByOutcome } from "../parts/outcomes.ts";
import { number, type Panel } from "../parts/panels.ts";
import { failureShare, increase, quantile, series, share, sum } from "../parts/query.ts";

export const fleetNow: readonly Panel[] = [
  number({
    title: "NATS clients connected",
    description: "Share of all NATS clients that are connected now. Look here first.",
    unit: "percentunit",
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
    title: "Failed dials",
    description:
      "Share of dials that failed in the time range, after all retries. Failures followed by a successful retry and dials canceled by callers are not included.",
    unit: "percentunit",
    steps: ["green", [0.01, "orange"], [0.1, "red"]],
    noValue: "no dials",
    queries: [{ legend: "failed", expr: failureShare("", "$__range") }],
  }),
  number({
    title: "Failed attempts",
    description:
      "Share of attempts that failed in the time range. If it is far above the share of failed dials, retries hide many failures.",
    unit: "percentunit",
    steps: ["green", [0.1, "orange"], [0.5, "red"]],
    noValue: "no attempts",
    queries: [
      {
        legend: "failed",
        expr: share(
          sum(increase("attemptFailed", "", "", "$__range")),
          sum(increase("attemptStarted", "", "", "$__range")),
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
    title: "Dial duration, now",
    description: "Median and 99th percentile of the duration of successful dials, including all attempts and delays.",
    unit: "s",
    noValue: "no dials",
    queries: [
      { legend: "p50", expr: quantile(0.5, "dialDuration", 'error_type=""') },
      { legend: "p99", expr: quantile(0.99, "dialDuration", 'error_type=""') },
    ],
  }),
  number({
    title: "Open connections",
    description: "Open connections of all dialers, now.",
    unit: "short",
    queries: [{ legend: "open", expr: sum(series("connectionCount")) }],
  }),
];
