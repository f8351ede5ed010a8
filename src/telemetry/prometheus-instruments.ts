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
import { type Instrument, type InstrumentKey, instruments, noError, ownerLabel } from "./instruments.ts";
import { type Exemplar, KeptHistogram } from "./kept-histogram.ts";
import { Moments } from "./moments.ts";
import type { Add, Level, Series, Sink, TellMoment } from "./sink.ts";

/** A registry of prom-client, of either type. */
export type AnyRegistry = Registry | Registry<OpenMetricsContentType>;

type Metric = Counter | Gauge | Histogram;

/** An instrument's Prometheus name: dots to underscores, unit and `_total` as suffixes. */
export function prometheusName({ name, kind, unit }: Instrument): string {
  const suffix = unit === "s" ? "_seconds" : unit === "By" ? "_bytes" : "";
  return `${promLabel(name)}${suffix}${kind === "counter" ? "_total" : ""}`;
}

/** Whether a registry is of the type that can print exemplars, and may have them therefore. */
export function isOpenMetrics(registry: AnyRegistry): boolean {
  return registry.contentType === openMetricsContentType;
}

/** Histograms of what is under way when it is observed, so that what is active then is what it is of. */
const withExemplars: readonly InstrumentKey[] = ["dialDuration", "phaseDuration"];

/**
 * The series of one owner (a dialer or client) in prom-client's registry. It makes what the registry
 * doesn't have yet, and starts it at zero: a counter that appears with its first failure hides that
 * failure from `rate()`.
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
  // A histogram has some 17 series: those of the failures appear when there are any.
  const startsAtZero = (labels.error_type ?? noError) === noError;
  return metric.series(
    labels,
    startsAtZero,
    exemplar && (() => guarded("exemplars", () => checkedExemplar(exemplar()))),
  );
}

/** Keeps away what prom-client would print so that no scraper can read the rest. */
function checkedExemplar(labels: ReturnType<Exemplar>): Record<string, string> | undefined {
  if (labels === undefined) return undefined;
  if (typeof labels !== "object" || labels === null || isPromiseLike(labels)) {
    throw wrongReturn("withPrometheus: exemplars", "must return an object of labels, or undefined", labels);
  }
  let length = 0;
  for (const [name, value] of Object.entries(labels)) {
    if (!/^[a-zA-Z_]\w*$/.test(name) || typeof value !== "string") {
      throw invalid(TypeError, `an exemplar's labels must be names with strings, got ${show(name)}: ${show(value)}`);
    }
    length += name.length + value.length;
  }
  if (length > 128) throw invalid(RangeError, `an exemplar's labels must have 128 characters at most, got ${length}`);
  return labels;
}

function earliestOf(metric: Gauge, labels: Record<string, string>): TellMoment {
  const { moments, collectors } = stateOf(metric);
  const id = JSON.stringify(labels);
  const told = moments.get(id) ?? new Moments();
  if (!moments.has(id)) {
    moments.set(id, told);
    collectors.add(() => {
      const { earliest } = told;
      if (earliest !== undefined) metric.set(labels, earliest);
    });
  }
  return (name, seconds) => told.tell(name, seconds);
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
  /** Series of a gauge. */
  readonly levels: Map<string, Level>;
  /** Series of a gauge that shows the earliest of several moments, each by its name. */
  readonly moments: Map<string, Moments>;
}

const states = new WeakMap<Metric, MetricState>();

function stateOf(metric: Metric): MetricState {
  let state = states.get(metric);
  if (state === undefined) {
    state = {
      collectors: new Set(),
      flushes: new Set(),
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
