import assert from "node:assert/strict";
import { test } from "node:test";
import { type Instrument, ownerLabel } from "../../src/telemetry/instrument.ts";
import { instruments } from "../../src/telemetry/instruments.ts";
import { prometheusName } from "../../src/telemetry/prometheus-name.ts";
import { groupingLabelsOf, type Selector, selectorsOf } from "./promql.ts";
import { boards, expressions, recordingRules } from "./shipped.ts";

/** The existing series by name, with their labels and known label values. */
const known = new Map<string, ReadonlyMap<string, readonly string[] | undefined>>();
const ofEvery: [string, undefined][] = ["job", "instance", prom(ownerLabel)].map((label) => [label, undefined]);
for (const row of Object.values(instruments) as readonly Instrument[]) {
  const own = Object.entries(row.labels).map(([label, values]): [string, readonly string[]] => [prom(label), values]);
  const labels = new Map<string, readonly string[] | undefined>([...ofEvery, ...own]);
  const name = prometheusName(row);
  if (row.kind !== "histogram") known.set(name, labels);
  else {
    for (const part of ["_count", "_sum"]) known.set(name + part, labels);
    known.set(`${name}_bucket`, new Map([...labels, ["le", undefined]]));
  }
}
for (const { record = "", expr } of recordingRules) {
  known.set(record, new Map(groupingLabelsOf(expr).map((label) => [label, undefined])));
}

function prom(name: string): string {
  return name.replaceAll(".", "_");
}

test("every expression uses existing metrics, labels and label values", () => {
  assert.ok(expressions.length > 60);
  assert.deepEqual(
    expressions.flatMap(({ where, expr }) => {
      const selectors = selectorsOf(expr);
      assert.ok(selectors.length > 0, `${where}: no metric in ${expr}`);
      const labels = new Set(selectors.flatMap(({ metric }) => [...(known.get(metric)?.keys() ?? [])]));
      return [
        ...selectors.flatMap(faultsOf),
        ...groupingLabelsOf(expr)
          .filter((label) => !labels.has(label))
          .map((label) => `none of the metrics has a label ${label}`),
      ].map((fault) => `${where}: ${fault}`);
    }),
    [],
  );
});

test("every variable uses labels of existing metrics", () => {
  for (const { templating } of boards.values()) {
    for (const { query } of templating.list.filter(({ type }) => type === "query")) {
      const [, names = "", label = ""] = /^label_values\(\{__name__=~"([^"]+)".*\}, (\w+)\)$/.exec(query) ?? [];
      for (const name of names.split("|")) assert.ok(known.get(name)?.has(label), query);
    }
  }
});

test("the check reports an expression with an unknown metric, label or value", () => {
  const faults = (expr: string) => selectorsOf(expr).flatMap(faultsOf);
  assert.deepEqual(faults("rate(dialer_dials_total[5m])"), ["there is no metric dialer_dials_total"]);
  assert.deepEqual(faults('dialer_retry_scheduled_total{scope="dial"}'), [
    "dialer_retry_scheduled_total has no label scope",
  ]);
  assert.deepEqual(faults('dialer_timeouts_total{dialer_timeout_scope=~"dial|all"}'), [
    "dialer_timeouts_total: dialer_timeout_scope is never all",
  ]);
});

function faultsOf({ metric, matchers }: Selector): string[] {
  const labels = known.get(metric);
  if (labels === undefined) return [`there is no metric ${metric}`];
  return matchers.flatMap(({ label, op, value }) => {
    if (!labels.has(label)) return [`${metric} has no label ${label}`];
    const values = labels.get(label);
    if (values === undefined) return [];
    return (op.endsWith("~") ? value.split("|") : [value])
      .filter((each) => each !== "" && !values.includes(each))
      .map((each) => `${metric}: ${label} is never ${each}`);
  });
}
