import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { type Instrument, type InstrumentKey, instruments, noError, ownerLabel } from "./instruments.ts";

/** Adds to one series. */
export type Add = (value: number) => void;

type Metric = Counter | Gauge | Histogram;

/** An instrument's Prometheus name: dots to underscores, unit and `_total` as suffixes. */
export function prometheusName({ name, kind, unit }: Instrument): string {
  const suffix = unit === "s" ? "_seconds" : unit === "By" ? "_bytes" : "";
  return `${promLabel(name)}${suffix}${kind === "counter" ? "_total" : ""}`;
}

/**
 * Finds the series of one owner (a dialer or client), makes what the registry doesn't have yet, and
 * starts them at zero: a counter that appears with its first failure hides that failure from `rate()`.
 */
export function seriesOf(registry: Registry, owner: string) {
  return function series<K extends InstrumentKey>(
    key: K,
    labels: { readonly [L in keyof (typeof instruments)[K]["labels"]]: string },
  ): Add {
    const metric = metricOf(registry, instruments[key]);
    const values = { [promLabel(ownerLabel)]: owner, ...promLabels(labels as Record<string, string>) };
    if (metric instanceof Histogram) {
      const child = metric.labels(values);
      // A histogram has some 17 series: those of the failures appear when there are any.
      const errorType = (labels as Record<string, string>)["error.type"];
      if (errorType === undefined || errorType === noError) zeroOnce(metric, values);
      return (value) => child.observe(value);
    }
    const child = metric.labels(values);
    child.inc(0);
    return (value) => child.inc(value);
  };
}

/** Calls `collect` before each scrape of the instrument. */
export function beforeScrape(registry: Registry, key: InstrumentKey, collect: () => void): void {
  stateOf(metricOf(registry, instruments[key])).collectors.add(collect);
}

interface MetricState {
  readonly collectors: Set<() => void>;
  /** Label sets that were started at zero; doing it again would throw their counts away. */
  readonly zeroed: Set<string>;
}

const states = new WeakMap<Metric, MetricState>();

function stateOf(metric: Metric): MetricState {
  let state = states.get(metric);
  if (state === undefined) {
    state = { collectors: new Set(), zeroed: new Set() };
    states.set(metric, state);
  }
  return state;
}

function zeroOnce(metric: Histogram, labels: Record<string, string>): void {
  const { zeroed } = stateOf(metric);
  const key = JSON.stringify(labels);
  if (zeroed.has(key)) return;
  zeroed.add(key);
  metric.zero(labels);
}

function metricOf(registry: Registry, instrument: Instrument): Metric {
  const name = prometheusName(instrument);
  const existing = registry.getSingleMetric(name) as Metric | undefined;
  if (existing !== undefined) return existing;
  const { help, kind, labels, buckets = [] } = instrument;
  const labelNames = [ownerLabel, ...Object.keys(labels)].map(promLabel);
  const collect = () => {
    for (const each of stateOf(metric).collectors) each();
  };
  const settings = { name, help, labelNames, registers: [registry], collect };
  const metric: Metric =
    kind === "counter"
      ? new Counter(settings)
      : kind === "gauge"
        ? new Gauge(settings)
        : new Histogram({ ...settings, buckets: [...buckets] });
  return metric;
}

function promLabel(name: string): string {
  return name.replaceAll(".", "_");
}

function promLabels(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [promLabel(name), value]));
}
