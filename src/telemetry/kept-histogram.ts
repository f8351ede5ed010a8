import { Histogram, type HistogramConfiguration } from "prom-client";
import { invalid } from "../support/validate.ts";
import type { Add } from "./sink.ts";

/** Labels of an exemplar, such as `trace_id` and `span_id`; none where there is nothing to point to. */
export type Exemplar = () => Readonly<Record<string, string>> | undefined;

/** An exemplar as prom-client prints it. */
interface ToldExemplar {
  readonly labelSet: Readonly<Record<string, string>>;
  readonly value: number;
  /** In seconds. */
  readonly timestamp: number;
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Of each bucket alone, the last for what is above all bounds. */
  readonly counts: number[];
  readonly exemplars: (ToldExemplar | undefined)[];
  sum: number;
  /** Whether it is there although nothing was observed. */
  startsAtZero: boolean;
  shown: boolean;
}

type Configuration = HistogramConfiguration<string> & { readonly buckets: number[]; readonly collect: () => void };

/**
 * A histogram that keeps its own counts, found once for each series: prom-client's hashes and checks the
 * labels at every call, at ten times the cost. It takes exemplars whatever the registry's type is.
 */
export class KeptHistogram extends Histogram {
  readonly #configuration: Configuration;
  readonly #series = new Map<string, Series>();

  constructor(configuration: Configuration) {
    super(configuration);
    this.#configuration = configuration;
  }

  /** Finds what observes into one series. One that doesn't start at zero appears with what is first observed. */
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
    // prom-client's constructor calls it, when there is nothing yet.
    if (!(#series in this)) return;
    for (const series of this.#series.values()) {
      series.counts.fill(0);
      series.exemplars.fill(undefined);
      series.sum = 0;
      series.shown = series.startsAtZero;
    }
  }

  override async get(): ReturnType<Histogram["get"]> {
    const { name, help, collect } = this.#configuration;
    collect();
    const shown = [...this.#series.values()].filter((series) => series.shown);
    const values = shown.flatMap((series) => this.#values(series));
    return { name, help, type: "histogram" as never, aggregator: "sum", collect, values };
  }

  /** What prom-client's registry asks for when it prints; of a histogram of its own it gets the same, folded. */
  getForPromString(): ReturnType<Histogram["get"]> {
    return this.get();
  }

  #newSeries(labels: Readonly<Record<string, string>>): Series {
    const size = this.#configuration.buckets.length + 1;
    const counts = new Array<number>(size).fill(0);
    const exemplars = new Array<ToldExemplar | undefined>(size).fill(undefined);
    return { labels, counts, exemplars, sum: 0, startsAtZero: false, shown: false };
  }

  #values({ labels, counts, exemplars, sum }: Series) {
    const { name, buckets } = this.#configuration;
    let count = 0;
    const inBuckets = counts.map((own, index) => {
      count += own;
      const le = buckets[index] ?? "+Inf";
      return { labels: { le, ...labels }, value: count, metricName: `${name}_bucket`, exemplar: exemplars[index] };
    });
    return [
      ...inBuckets,
      { labels, value: sum, metricName: `${name}_sum` },
      { labels, value: count, metricName: `${name}_count` },
    ];
  }
}
