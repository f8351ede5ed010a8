import assert from "node:assert/strict";
import { test } from "node:test";
import { groupingLabelsOf, selectorsOf } from "./promql.ts";

test("the PromQL reader returns each metric with its matchers, range and function", () => {
  const expr = `
    topk(10, 1 - sum by (job, x) (rate(a_total{state!="b", job=~"$job"}[$__rate_interval])) / (sum(c) > bool 0))
      unless on(job) min_over_time(sum by(job)(d:e:ratio5m{k="}"})[10m:1m]) > 7 * 86400 or vector(0) - time() + label_replace(f{k="v"}, "to", "text", "from", "(.*)")`;
  assert.deepEqual(selectorsOf(expr), [
    {
      metric: "a_total",
      matchers: [
        { label: "state", op: "!=", value: "b" },
        { label: "job", op: "=~", value: "$job" },
      ],
      range: "$__rate_interval",
      call: "rate",
    },
    { metric: "c", matchers: [], range: undefined, call: "sum" },
    { metric: "d:e:ratio5m", matchers: [{ label: "k", op: "=", value: "}" }], range: undefined, call: "sum" },
    { metric: "f", matchers: [{ label: "k", op: "=", value: "v" }], range: undefined, call: "label_replace" },
  ]);
  assert.deepEqual(groupingLabelsOf(expr), ["job", "x", "job", "job"]);
});
