import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import { type InstrumentKey, instruments } from "../../src/telemetry/instruments.ts";
import { prometheusName } from "../../src/telemetry/prometheus-instruments.ts";

/** Where every query goes: the source that is chosen at the top of the page. */
export const datasource = { type: "prometheus", uid: "$datasource" };

/** What every query is about: the jobs, instances and dialers that are chosen at the top of the page. */
const chosen = 'job=~"$job", instance=~"$instance", dialer_name=~"$dialer_name"';

/** A histogram's series by their suffixes; of others there is one. */
type Part = "" | "_bucket" | "_count" | "_sum";

/** One expression and its legend. */
export interface Query {
  readonly expr: string;
  /** Of Grafana: `{{error_type}}` stands for a label's value. */
  readonly legend: string;
}

/** A metric's name comes from the table of instruments, so that no panel can ask for one that doesn't exist. */
export function series(key: InstrumentKey, matchers = "", part: Part = ""): string {
  const all = matchers === "" ? chosen : `${chosen}, ${matchers}`;
  return `${prometheusName(instruments[key])}${part}{${all}}`;
}

/** A counter's growth per second. */
export function rate(key: InstrumentKey, matchers = "", part: Part = ""): string {
  return `rate(${series(key, matchers, part)}[$__rate_interval])`;
}

/** A counter's growth: around each point of a graph, or over all the time that is shown. */
export function increase(
  key: InstrumentKey,
  matchers = "",
  part: Part = "",
  window: "$__rate_interval" | "$__range" = "$__rate_interval",
): string {
  return `increase(${series(key, matchers, part)}[${window}])`;
}

/** `by` are the labels that the result keeps. */
export function sum(expr: string, by = ""): string {
  return by === "" ? `sum(${expr})` : `sum by (${by}) (${expr})`;
}

/** The duration that `q` of a histogram's observations stay below. */
export function quantile(q: number, key: InstrumentKey, matchers = "", by = ""): string {
  const labels = by === "" ? "le" : `le, ${by}`;
  return `histogram_quantile(${q}, ${sum(rate(key, matchers, "_bucket"), labels)})`;
}

/** What `part` is of `whole`; nothing where the whole is nothing. */
export function share(part: string, whole: string): string {
  return `${part} / (${whole} > 0)`;
}

/** Dials that failed, of those that succeeded or failed, over a window. */
export function failureShare(by = "", window: "$__rate_interval" | "$__range" = "$__rate_interval"): string {
  const failed = sum(increase("dialsFailed", "", "", window), by);
  const succeeded = sum(increase("dialDuration", 'error_type=""', "_count", window), by);
  return share(failed, `(${failed} + ${succeeded})`);
}

/** Queries as Grafana has them, lettered in their order. */
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
