import { Histogram, type HistogramConfiguration } from "prom-client";
import { invalid } from "../support/validate.ts";
import type { Add } from "./sink.ts";

/** Returns the labels of an exemplar, such as `trace_id` and `span_id`, or `undefined` for no exemplar. */
export type Exemplar = () => Readonly<Record<string, string>> | undefined;

/** An exemplar as prom-client prints it. */
interface PrintedExemplar {
  readonly labelSet: Readonly<Record<string, string>>;
  readonly value: number;
  /** In seconds. */
  readonly timestamp: number;
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Observations in each bucket alone; the last bucket has no upper bound. */
  readonly counts: number[];
  readonly exemplars: (PrintedExemplar | undefined)[];
  sum: number;
  /** Whether the series is exposed before its first observation. */
  startsAtZero: boolean;
  shown: boolean;
}

/** Makes one value as prom-client prints it. The index is that of a bucket. */
type Shape = (series: Series, suffix: "bucket" | "sum" | "count", value: number, index: number | undefined) => object;

const noLabels = Object.freeze({});

type Configuration = HistogramConfiguration<string> & { readonly buckets: number[]; readonly collect: () => void };

/**
 * A histogram that looks up each series once and keeps the counts itself. prom-client's own histogram hashes
 * and checks the labels at every call, at ten times the cost. Exemplars work with a registry of any type.
 */
export class KeptHistogram extends Histogram {
  readonly #configuration: Configuration;
  readonly #series = new Map<string, Series>();
  /** The label `le` of each bucket. A scrape of many series makes none of them again. */
  readonly #bounds: readonly object[];
  readonly #names: Readonly<Record<Parameters<Shape>[1], string>>;

  constructor(configuration: Configuration) {
    super(configuration);
    this.#configuration = configuration;
    const { name, buckets } = configuration;
    this.#bounds = [...buckets, "+Inf"].map((le) => Object.freeze({ le }));
    this.#names = { bucket: `${name}_bucket`, sum: `${name}_sum`, count: `${name}_count` };
  }

  /** Returns a function that observes into one series. A series that does not start at zero appears with its first observation. */
  series(labels: Readonly<Record<string, string>>, startsAtZero: boolean, exemplar?: Exemplar): Add {
    const key = JSON.stringify(labels);
    const series = this.#series.get(key) ?? this.#newSeries(labels);
    this.#series.set(key, series);
    series.startsAtZero ||= startsAtZero;
    series.shown ||= startsAtZero;
    const { counts, exemplars } = series;
    const { buckets } = this.#configuration;
    return (value) => {
      if (!Number.isFinite(value)) throw invalid(TypeError, `${this.#configuration.name}: can't observe ${value}`);
      let index = 0;
      while (value > (buckets[index] ?? Number.POSITIVE_INFINITY)) index += 1;
      counts[index] = (counts[index] ?? 0) + 1;
      series.sum += value;
      series.shown = true;
      const labelSet = exemplar?.();
      if (labelSet !== undefined) exemplars[index] = { labelSet, value, timestamp: Date.now() / 1000 };
    };
  }

  override reset(): void {
    // prom-client's constructor calls this before the field exists.
    if (!(#series in this)) return;
    for (const series of this.#series.values()) {
      series.counts.fill(0);
      series.exemplars.fill(undefined);
      series.sum = 0;
      series.shown = series.startsAtZero;
    }
  }

  override async get(): ReturnType<Histogram["get"]> {
    return this.#collected((series, suffix, value, index) => {
      const own = this.#labelsOf(index);
      const labels = own === noLabels ? series.labels : { ...own, ...series.labels };
      return { labels, value, metricName: this.#names[suffix], exemplar: exemplarOf(series, index) };
    });
  }

  /** Called by prom-client's registry when it prints. It remembers the text of shared labels. */
  getForPromString(): ReturnType<Histogram["get"]> {
    return this.#collected((series, suffix, value, index) => ({
      labels: this.#labelsOf(index),
      sharedLabels: series.labels,
      value,
      metricName: this.#names[suffix],
      exemplar: exemplarOf(series, index),
    }));
  }

  async #collected(shape: Shape): ReturnType<Histogram["get"]> {
    const { name, help, collect } = this.#configuration;
    collect();
    const values: object[] = [];
    for (const series of this.#series.values()) {
      if (!series.shown) continue;
      let count = 0;
      for (const [index, own] of series.counts.entries()) {
        count += own;
        values.push(shape(series, "bucket", count, index));
      }
      values.push(shape(series, "sum", series.sum, undefined), shape(series, "count", count, undefined));
    }
    // Without functions, unlike prom-client's own, so that it can be sent to another process or thread.
    return { name, help, type: "histogram" as never, aggregator: "sum", values } as never;
  }

  #labelsOf(index: number | undefined): object {
    return index === undefined ? noLabels : (this.#bounds[index] ?? noLabels);
  }

  #newSeries(labels: Readonly<Record<string, string>>): Series {
    const size = this.#configuration.buckets.length + 1;
    const counts = new Array<number>(size).fill(0);
    const exemplars = new Array<PrintedExemplar | undefined>(size).fill(undefined);
    return { labels, counts, exemplars, sum: 0, startsAtZero: false, shown: false };
  }
}

function exemplarOf(series: Series, index: number | undefined): PrintedExemplar | undefined {
  return index === undefined ? undefined : series.exemplars[index];
}
