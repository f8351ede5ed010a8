import { type Query, rate, sum } from "./query.ts";

/** Dials of all selected dialers, by outcome. */
export const dialsByOutcome: readonly Query[] = [
  { legend: "succeeded", expr: sum(rate("dialDuration", 'error_type=""', "_count")) },
  { legend: "failed", expr: sum(rate("dialFailed")) },
  { legend: "canceled", expr: sum(rate("dialCanceled")) },
];
