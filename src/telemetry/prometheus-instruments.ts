import {
  Counter,
  Gauge,
  Histogram,
  type OpenMetricsContentType,
  openMetricsContentType,
  type Registry,
} from "prom-client";
import { isPromiseLike, wrongReturn } from "../support/returned.ts";
import { guarded } from "../support/user-call.ts";
import { invalid, show } from "../support/validate.ts";
import { type Instrument, noError, ownerLabel } from "./instrument.ts";
import { type InstrumentKey, instruments } from "./instruments.ts";
import { type Exemplar, KeptHistogram } from "./kept-histogram.ts";
import type { Add, Level, Series, SetTimestamp, Sink } from "./sink.ts";
import { Timestamps } from "./timestamps.ts";

/** A prom-client registry, with either content type. */
export type AnyRegistry = Registry | Registry<OpenMetricsContentType>;

type Metric = Counter | Gauge | Histogram;

/** Returns an instrument's Prometheus name: dots become underscores, unit and `_total` become suffixes. */
export function prometheusName({ name, kind, unit }: Instrument): string {
  const suffix = unit === "s" ? "_seconds" : unit === "By" ? "_bytes" : "";
  return `${promLabel(name)}${suffix}${kind === "counter" ? "_total" : ""}`;
}

/** Reports whether a registry prints the OpenMetrics format, which alone has exemplars. */
export function isOpenMetrics(registry: AnyRegistry): boolean {
  return registry.contentType === openMetricsContentType;
}

/** Histograms observed while the span of the measured operation is active. */
const withExemplars: readonly InstrumentKey[] = ["dialDuration", "phaseDuration"];

/**
 * Returns the series of one owner (a dialer, pool or client) in a prom-client registry. Missing metrics are
 * created and start at zero: `rate()` does not see the first failure of a counter that appears with it.
 */
export function prometheusSink(registry: AnyRegistry, owner: string, exemplar?: Exemplar): Sink {
  return {
    series(key, labels) {
      const metric = metricOf(registry, key);
      const values = promLabels({ [ownerLabel]: owner, ...(labels as Record<string, string>) });
      if (metric instanceof Gauge) return levelOf(metric, values);
      const add =
        metric instanceof Histogram
          ? observeOf(metric, values, withExemplars.includes(key) ? exemplar : undefined)
          : incOf(metric, values);
      return add as Series<typeof key>;
    },
    earliest: (key) => earliestOf(metricOf(registry, key) as Gauge, promLabels({ [ownerLabel]: owner })),
    beforeScrape(keys, collect) {
      for (const key of keys) stateOf(metricOf(registry, key)).collectors.add(collect);
    },
  };
}

function incOf(metric: Counter, labels: Record<string, string>): Add {
  const child = metric.labels(labels);
  child.inc(0);
  return untilScrape(metric, (value) => child.inc(value));
}

function observeOf(metric: Histogram, labels: Record<string, string>, exemplar: Exemplar | undefined): Add {
  if (!(metric instanceof KeptHistogram)) {
    const child = metric.labels(labels);
    return (value) => child.observe(value);
  }
  // A histogram has some 17 series, so those of failures appear with the first failure.
  const startsAtZero = (labels.error_type ?? noError) === noError;
  return metric.series(
    labels,
    startsAtZero,
    exemplar && (() => guarded("exemplars", () => checkedExemplar(exemplar()))),
  );
}

/** Rejects labels that prom-client would print unchecked, which would make the whole scrape unreadable. */
function checkedExemplar(labels: ReturnType<Exemplar>): Record<string, string> | undefined {
  if (labels === undefined) return undefined;
  if (typeof labels !== "object" || labels === null || isPromiseLike(labels)) {
    throw wrongReturn("withPrometheus: exemplars", "must return an object of labels, or undefined", labels);
  }
  let length = 0;
  for (const [name, value] of Object.entries(labels)) {
    if (!/^[a-zA-Z_]\w*$/.test(name) || typeof value !== "string") {
      throw invalid(
        TypeError,
        `withPrometheus: exemplars must return label names with string values, got ${show(name)}: ${show(value)}`,
      );
    }
    length += name.length + value.length;
  }
  if (length > 128)
    throw invalid(RangeError, `withPrometheus: exemplars must return at most 128 characters, got ${length}`);
  return labels;
}

function earliestOf(metric: Gauge, labels: Record<string, string>): SetTimestamp {
  const { timestamps, collectors } = stateOf(metric);
  const id = JSON.stringify(labels);
  const series = timestamps.get(id) ?? new Timestamps();
  if (!timestamps.has(id)) {
    timestamps.set(id, series);
    collectors.add(() => {
      const { earliest } = series;
      if (earliest !== undefined) metric.set(labels, earliest);
    });
  }
  return (name, seconds) => series.set(name, seconds);
}

/** Collects additions until the scrape, because prom-client hashes and checks the labels at every call. */
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

/** A counter whose reset also discards additions that were not passed on or collected yet. */
class KeptCounter extends Counter {
  override reset(): void {
    const { collectors, flushes } = stateOf(this);
    for (const each of collectors) each();
    for (const each of flushes) each();
    super.reset();
  }
}

/** Metrics created here, which report each scrape. A metric that the application created with the same name does not. */
const scrapedByUs = new WeakSet<Metric>();

interface MetricState {
  readonly collectors: Set<() => void>;
  /** Bring the metric up to date. They run after the collectors, which may add to it. */
  readonly flushes: Set<() => void>;
  /** Series of a gauge, by labels. */
  readonly levels: Map<string, Level>;
  /** Series of a gauge that shows the earliest of several timestamps, by labels. */
  readonly timestamps: Map<string, Timestamps>;
}

const states = new WeakMap<Metric, MetricState>();

function stateOf(metric: Metric): MetricState {
  let state = states.get(metric);
  if (state === undefined) {
    state = {
      collectors: new Set(),
      flushes: new Set(),
      levels: new Map(),
      timestamps: new Map(),
    };
    states.set(metric, state);
  }
  return state;
}

/** Keeps a gauge's level and sets it at every scrape: connections stay open when the registry is reset. */
function levelOf(metric: Gauge, labels: Record<string, string>): Level {
  const { levels, flushes } = stateOf(metric);
  const key = JSON.stringify(labels);
  const shared = levels.get(key);
  if (shared !== undefined) return shared;
  const child = metric.labels(labels);
  let level = 0;
  const flush = () => child.set(level);
  const add = (value: number) => {
    level += value;
    if (!scrapedByUs.has(metric)) flush();
    return level;
  };
  levels.set(key, add);
  flushes.add(flush);
  flush();
  return add;
}

function metricOf(registry: AnyRegistry, key: InstrumentKey): Metric {
  const instrument: Instrument = instruments[key];
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
        : new KeptHistogram({ ...settings, buckets: [...buckets] });
  scrapedByUs.add(metric);
  return metric;
}

function promLabel(name: string): string {
  return name.replaceAll(".", "_");
}

function promLabels(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [promLabel(name), value]));
}
