import { orZeroOf, type Query, rate, sum } from "./query.ts";

/** Of one dialer or many, whatever is chosen. */
export const dialsByOutcome: readonly Query[] = [
  { legend: "succeeded", expr: sum(rate("dialDuration", 'error_type=""', "_count")) },
  {
    legend: "failed",
    expr: orZeroOf(sum(rate("dialDuration", 'error_type!=""', "_count")), sum(rate("dialDuration", "", "_count"))),
  },
  { legend: "canceled", expr: sum(rate("dialsCanceled")) },
];
