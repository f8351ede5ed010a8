import { type Query, rate, sum } from "./query.ts";

/** Of one dialer or many, whatever is chosen. */
export const dialsByOutcome: readonly Query[] = [
  { legend: "succeeded", expr: sum(rate("dialDuration", 'error_type=""', "_count")) },
  { legend: "failed", expr: sum(rate("dialsFailed")) },
  { legend: "canceled", expr: sum(rate("dialsCanceled")) },
];
