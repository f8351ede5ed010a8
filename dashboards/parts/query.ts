import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import { type InstrumentKey, instruments } from "../../src/telemetry/instruments.ts";
import { prometheusName } from "../../src/telemetry/prometheus-name.ts";

/** The data source selected at the top of the dashboard. */
export const datasource = { type: "prometheus", uid: "$datasource" };

/** Matchers for the jobs, instances and dialers selected at the top of the dashboard. */
const selected = 'job=~"$job", instance=~"$instance", dialer_name=~"$dialer_name"';

/** Suffix of a histogram's series; empty for other metrics. */
type Part = "" | "_bucket" | "_count" | "_sum";

/** One expression and its legend. */
export interface Query {
  readonly expr: string;
  /** Grafana legend; `{{error_type}}` stands for a label's value. */
  readonly legend: string;
}

/** Returns a selector. The metric's name comes from the table of instruments, so that it always exists. */
export function series(key: InstrumentKey, matchers = "", part: Part = ""): string {
  const all = matchers === "" ? selected : `${selected}, ${matchers}`;
  return `${prometheusName(instruments[key])}${part}{${all}}`;
}

/** Returns a counter's increase per second. */
export function rate(key: InstrumentKey, matchers = "", part: Part = ""): string {
  return `rate(${series(key, matchers, part)}[$__rate_interval])`;
}

/** Returns a counter's increase, around each point of a graph or over the whole time range. */
export function increase(
  key: InstrumentKey,
  matchers = "",
  part: Part = "",
  window: "$__rate_interval" | "$__range" = "$__rate_interval",
): string {
  return `increase(${series(key, matchers, part)}[${window}])`;
}

/** Returns the sum by the labels in `by`. */
export function sum(expr: string, by = ""): string {
  return by === "" ? `sum(${expr})` : `sum by (${by}) (${expr})`;
}

/** Returns the quantile `q` of a histogram. */
export function quantile(q: number, key: InstrumentKey, matchers = "", by = ""): string {
  const labels = by === "" ? "le" : `le, ${by}`;
  return `histogram_quantile(${q}, ${sum(rate(key, matchers, "_bucket"), labels)})`;
}

/** Returns `part` as a share of `whole`; no value if the whole is zero. */
export function share(part: string, whole: string): string {
  return `${part} / (${whole} > 0)`;
}

/** Returns failed dials as a share of failed and successful dials over a window. */
export function failureShare(by = "", window: "$__rate_interval" | "$__range" = "$__rate_interval"): string {
  const failed = sum(increase("dialFailed", "", "", window), by);
  const succeeded = sum(increase("dialDuration", 'error_type=""', "_count", window), by);
  return share(failed, `(${failed} + ${succeeded})`);
}

/** Builds Grafana queries, with the reference ids A, B and so on. */
export function targets(queries: readonly Query[], kind: "range" | "instant" | "table" | "heatmap" | "exemplars") {
  return queries.map(({ expr, legend }, index) => {
    const target = new prometheus.DataqueryBuilder()
      .datasource(datasource)
      .refId(String.fromCharCode("A".charCodeAt(0) + index))
      .expr(expr)
      .legendFormat(legend);
    if (kind === "instant" || kind === "table") target.instant();
    else target.range();
    if (kind === "table") target.format(prometheus.PromQueryFormat.Table);
    if (kind === "heatmap") target.format(prometheus.PromQueryFormat.Heatmap);
    return kind === "exemplars" ? target.exemplar(true) : target;
  });
}
