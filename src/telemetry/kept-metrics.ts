import { Counter, type CounterConfiguration, Gauge, type GaugeConfiguration } from "prom-client";
import type { Add, Level } from "./sink.ts";
import { Timestamps } from "./timestamps.ts";

/** Labels of one series. */
export type SeriesLabels = Readonly<Record<string, string>>;

/** What a metric of this package calls before it is read. */
export interface Collected {
  readonly collect: () => void;
}

interface Series {
  readonly labels: SeriesLabels;
  /** Returns the value; `undefined` while the series has none. */
  readonly read: () => number | undefined;
  readonly reset: () => void;
}

const noLabels: SeriesLabels = Object.freeze({});

/** The series of one metric, by their labels. prom-client hashes and checks the labels at every call instead. */
class SeriesByLabels<Writer> {
  readonly #writers = new Map<string, Writer>();
  readonly #series: Series[] = [];

  /** Returns the writer of a series, which `make` creates on first use. */
  of(labels: SeriesLabels, make: (labels: SeriesLabels) => readonly [Writer, Omit<Series, "labels">]): Writer {
    const key = JSON.stringify(labels);
    const existing = this.#writers.get(key);
    if (existing !== undefined) return existing;
    const [writer, series] = make(labels);
    this.#writers.set(key, writer);
    this.#series.push({ labels, ...series });
    return writer;
  }

  reset(): void {
    for (const series of this.#series) series.reset();
  }

  /** New objects each time: a registry with default labels changes them. */
  values() {
    return this.#shown(({ labels }, value) => ({ value, labels }));
  }

  /** As {@link SeriesByLabels.values}, with the labels where prom-client remembers their text. */
  printed() {
    return this.#shown(({ labels }, value) => ({ value, labels: noLabels, sharedLabels: labels }));
  }

  #shown<V>(shape: (series: Series, value: number) => V): V[] {
    const shown: V[] = [];
    for (const series of this.#series) {
      const value = series.read();
      if (value !== undefined) shown.push(shape(series, value));
    }
    return shown;
  }
}

/** A counter whose series are looked up once. */
export class KeptCounter extends Counter {
  readonly #collect: () => void;
  readonly #series = new SeriesByLabels<Add>();

  constructor(configuration: CounterConfiguration<string> & Collected) {
    super(configuration);
    this.#collect = configuration.collect;
  }

  series(labels: SeriesLabels): Add {
    return this.#series.of(labels, () => {
      let total = 0;
      const add = (value: number) => {
        total += value;
      };
      const reset = () => {
        total = 0;
      };
      return [add, { read: () => total, reset }];
    });
  }

  override reset(): void {
    // prom-client's constructor calls this before the field exists.
    if (!(#series in this)) return;
    // What was not collected yet is discarded as well.
    this.#collect();
    this.#series.reset();
  }

  override async get(): ReturnType<Counter["get"]> {
    this.#collect();
    return { ...headOf(this), values: this.#series.values() };
  }

  /** Called by prom-client's registry when it prints. */
  async getForPromString(): ReturnType<Counter["get"]> {
    this.#collect();
    return { ...headOf(this), values: this.#series.printed() };
  }
}

/** A gauge whose series are looked up once. A reset keeps its levels: connections stay open. */
export class KeptGauge extends Gauge {
  readonly #collect: () => void;
  readonly #levels = new SeriesByLabels<Level>();
  readonly #timestamps = new SeriesByLabels<Timestamps>();

  constructor(configuration: GaugeConfiguration<string> & Collected) {
    super(configuration);
    this.#collect = configuration.collect;
  }

  /** Returns the function that adds to a level. */
  series(labels: SeriesLabels): Level {
    return this.#levels.of(labels, () => {
      let level = 0;
      const add = (value: number) => {
        level += value;
        return level;
      };
      return [add, { read: () => level, reset() {} }];
    });
  }

  /** Returns the timestamps of which a series shows the earliest. */
  earliest(labels: SeriesLabels): Timestamps {
    return this.#timestamps.of(labels, () => {
      const timestamps = new Timestamps();
      return [timestamps, { read: () => timestamps.earliest, reset() {} }];
    });
  }

  override reset(): void {}

  override async get(): ReturnType<Gauge["get"]> {
    this.#collect();
    return { ...headOf(this), values: [...this.#levels.values(), ...this.#timestamps.values()] };
  }

  /** Called by prom-client's registry when it prints. */
  async getForPromString(): ReturnType<Gauge["get"]> {
    this.#collect();
    return { ...headOf(this), values: [...this.#levels.printed(), ...this.#timestamps.printed()] };
  }
}

/** What prom-client's own metrics return besides their values: without functions, so that it can be cloned. */
function headOf(metric: object): Omit<Awaited<ReturnType<Counter["get"]>>, "values"> {
  const { help, name, type, aggregator } = metric as never as ReturnType<typeof headOf>;
  return { help, name, type, aggregator } as never;
}
