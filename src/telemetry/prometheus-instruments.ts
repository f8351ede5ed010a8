import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { type Instrument, type InstrumentKey, instruments, noError, ownerLabel } from "./instruments.ts";

/** Adds to one series. */
export type Add = (value: number) => void;

/** Adds to one series of a gauge, and returns where it then stands. */
export type Level = (value: number) => number;

type Series<K extends InstrumentKey> = (typeof instruments)[K]["kind"] extends "gauge" ? Level : Add;

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
  ): Series<K> {
    const metric = metricOf(registry, instruments[key]);
    const values = promLabels({ [ownerLabel]: owner, ...(labels as Record<string, string>) });
    if (metric instanceof Gauge) return levelOf(metric, values);
    return (metric instanceof Histogram ? observeOf(metric, values) : incOf(metric, values)) as Series<K>;
  };
}

function incOf(metric: Counter, labels: Record<string, string>): Add {
  const child = metric.labels(labels);
  child.inc(0);
  return untilScrape(metric, (value) => child.inc(value));
}

function observeOf(metric: Histogram, labels: Record<string, string>): Add {
  // A histogram has some 17 series: those of the failures appear when there are any.
  if ((labels.error_type ?? noError) === noError) zeroOnce(metric, labels);
  const child = metric.labels(labels);
  return (value) => child.observe(value);
}

/** Names whose moments are kept; beyond it the one told longest ago is dropped. */
const maxNames = 32;

/**
 * Finds the series, of a gauge without labels of its own, that shows the earliest moment of those last
 * told under each name. It has no value before the first: zero would be a moment long past.
 */
export function earliestOf(registry: Registry, owner: string, key: InstrumentKey) {
  const metric = metricOf(registry, instruments[key]) as Gauge;
  const labels = promLabels({ [ownerLabel]: owner });
  const { moments, collectors } = stateOf(metric);
  const id = JSON.stringify(labels);
  const seconds = moments.get(id) ?? new Map<string, number>();
  if (!moments.has(id)) {
    moments.set(id, seconds);
    collectors.add(() => {
      if (seconds.size > 0) metric.set(labels, Math.min(...seconds.values()));
    });
  }
  return (name: string, moment: number): void => {
    seconds.delete(name);
    seconds.set(name, moment);
    if (seconds.size > maxNames) seconds.delete(seconds.keys().next().value as string);
  };
}

/** Finds or makes what each of a label's values has. */
export function byValue<K extends string, V>(values: readonly K[], make: (value: K) => V): Record<K, V> {
  return Object.fromEntries(values.map((value) => [value, make(value)])) as Record<K, V>;
}

/** Calls `collect` before each scrape of the instrument, and before a reset of a counter. */
export function beforeScrape(registry: Registry, key: InstrumentKey, collect: () => void): void {
  stateOf(metricOf(registry, instruments[key])).collectors.add(collect);
}

/** Keeps what is added until the scrape: prom-client hashes and checks the labels anew at every call. */
function untilScrape(metric: Metric, add: Add): Add {
  if (!scrapedByUs.has(metric)) return add;
  let pending = 0;
  stateOf(metric).flushes.add(() => {
    if (pending !== 0) add(pending);
    pending = 0;
  });
  return (value) => {
    pending += value;
  };
}

/** Forgets at a reset what was there before it, kept or not yet collected, too. */
class KeptCounter extends Counter {
  override reset(): void {
    const { collectors, flushes } = stateOf(this);
    for (const each of collectors) each();
    for (const each of flushes) each();
    super.reset();
  }
}

/** Metrics that tell us of a scrape. One that somebody else made under our name doesn't. */
const scrapedByUs = new WeakSet<Metric>();

interface MetricState {
  readonly collectors: Set<() => void>;
  /** Bring the metric up to date; after the collectors, for those add too. */
  readonly flushes: Set<() => void>;
  /** Label sets that were started at zero; doing it again would throw their counts away. */
  readonly zeroed: Set<string>;
  /** Series of a gauge. */
  readonly levels: Map<string, Level>;
  /** Series of a gauge that shows the earliest of several moments, each by its name. */
  readonly moments: Map<string, Map<string, number>>;
}

const states = new WeakMap<Metric, MetricState>();

function stateOf(metric: Metric): MetricState {
  let state = states.get(metric);
  if (state === undefined) {
    state = {
      collectors: new Set(),
      flushes: new Set(),
      zeroed: new Set(),
      levels: new Map(),
      moments: new Map(),
    };
    states.set(metric, state);
  }
  return state;
}

/** What is open stays open when the registry is reset, so a gauge's level is kept here and told at every scrape. */
function levelOf(metric: Gauge, labels: Record<string, string>): Level {
  const { levels, flushes } = stateOf(metric);
  const key = JSON.stringify(labels);
  const shared = levels.get(key);
  if (shared !== undefined) return shared;
  const child = metric.labels(labels);
  let level = 0;
  const tell = () => child.set(level);
  const add = (value: number) => {
    level += value;
    if (!scrapedByUs.has(metric)) tell();
    return level;
  };
  levels.set(key, add);
  flushes.add(tell);
  tell();
  return add;
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
    const { collectors, flushes } = stateOf(metric);
    for (const each of collectors) each();
    for (const each of flushes) each();
  };
  const settings = { name, help, labelNames, registers: [registry], collect };
  const metric: Metric =
    kind === "counter"
      ? new KeptCounter(settings)
      : kind === "gauge"
        ? new Gauge(settings)
        : new Histogram({ ...settings, buckets: [...buckets] });
  scrapedByUs.add(metric);
  return metric;
}

function promLabel(name: string): string {
  return name.replaceAll(".", "_");
}

function promLabels(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [promLabel(name), value]));
}
