import assert from "node:assert/strict";
import type { Prometheus, Series } from "../support/prometheus.ts";
import { type Board, boards, panelsOf } from "./shipped.ts";

/** The range that Grafana would substitute; it is longer than any scenario of the tests. */
export const range = { text: "5m", seconds: 300 };

const chosenByDefault = { job: ".+", instance: ".+", dialer_name: ".+" };

/** Values that a user chooses for the variables of a dashboard. @defaultValue all */
export type Chosen = Partial<typeof chosenByDefault>;

/** A real Prometheus, and the time in seconds at which expressions are evaluated. */
export interface Evaluated {
  readonly prometheus: Prometheus;
  readonly asOf: number;
}

/** Substitutes the variables of an expression, as Grafana does. */
export function filled(expr: string, chosen: Chosen = {}): string {
  const values: Record<string, string> = { ...chosenByDefault, ...chosen };
  return expr.replaceAll(/\$__(?:rate_interval|range)/g, range.text).replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = values[name];
    assert.ok(value !== undefined, `$${name} in ${expr}`);
    return value;
  });
}

/** Evaluates the queries of a panel. */
export async function panelSeries(
  { prometheus, asOf }: Evaluated,
  file: string,
  title: string,
  chosen?: Chosen,
): Promise<(Series & { legend: string })[]> {
  const found = panelsOf(boardOf(file)).find((each) => each.title === title);
  assert.ok(found, `${file} has no panel ${title}`);
  const answers = (found.targets ?? []).map(async ({ expr, legendFormat }) =>
    (await prometheus.query(filled(expr, chosen), asOf)).map((series) => ({
      ...series,
      legend: legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => series.metric[label] ?? ""),
    })),
  );
  return (await Promise.all(answers)).flat();
}

/** Evaluates the variables that a dashboard offers, and returns their values by name. */
export async function variableValues(prometheus: Prometheus, file: string): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const { name, query } of boardOf(file).templating.list.filter(({ type }) => type === "query")) {
    const [, selector = "", label = ""] = /^label_values\((\{.+\}), (\w+)\)$/.exec(query) ?? [];
    found[name] = await prometheus.labelValues(label, filled(selector));
  }
  return found;
}

function boardOf(file: string): Board {
  const board = boards.get(file);
  assert.ok(board, `no dashboard ${file}`);
  return board;
}
