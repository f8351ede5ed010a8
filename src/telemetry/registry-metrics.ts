import type { OpenMetricsContentType, Registry } from "prom-client";
import { invalid } from "../support/validate.ts";
import { type Instrument, ownerLabel } from "./instrument.ts";
import { KeptHistogram } from "./kept-histogram.ts";
import { KeptCounter, KeptGauge } from "./kept-metrics.ts";
import { prometheusName, promLabel } from "./prometheus-name.ts";
import { Shared } from "./shared.ts";

/** A prom-client registry, with either content type. */
export type AnyRegistry = Registry | Registry<OpenMetricsContentType>;

/** A metric of this package. */
export type KeptMetric = KeptCounter | KeptGauge | KeptHistogram;

/** Marks the metrics of this package, also those of another copy of it in the same process. */
const ownKey: unique symbol = Symbol.for("dialtrace.metric.1") as never;

interface Registered {
  readonly metric: KeptMetric;
  /** Called before the metric is read. */
  readonly collectors: Set<() => void>;
}

/** The metrics of this package in one registry. */
export class RegistryMetrics {
  readonly #registry: AnyRegistry;
  readonly #metrics = new Map<string, Registered>();
  /** What the observers of one owner share. */
  readonly shared = new Shared();

  constructor(registry: AnyRegistry) {
    this.#registry = registry;
  }

  /** Returns the metric of an instrument, which is created if the registry has none. */
  metric(instrument: Instrument): KeptMetric {
    return this.#registered(instrument).metric;
  }

  /** Calls `collect` before the metric of an instrument is read. */
  beforeScrape(instrument: Instrument, collect: () => void): void {
    this.#registered(instrument).collectors.add(collect);
  }

  /**
   * Registers the metrics again if the registry has been cleared: counters and histograms at zero, gauges at their
   * level. A single metric that was removed stays so.
   */
  restore(): void {
    for (const [name, { metric }] of this.#metrics) if (this.#isRegistered(name, metric)) return;
    let taken: string | undefined;
    for (const [name, { metric }] of this.#metrics) {
      // prom-client shortens the names of counters that it prints in the OpenMetrics format.
      Object.assign(metric, { name });
      metric.reset();
      if (this.#registry.getSingleMetric(name) === undefined) this.#registry.registerMetric(metric as never);
      else taken ??= name;
    }
    if (taken !== undefined) throw takenBy("dialtrace", taken);
  }

  #isRegistered(name: string, metric: KeptMetric): boolean {
    return (this.#registry.getSingleMetric(name) as unknown) === metric;
  }

  #registered(instrument: Instrument): Registered {
    const name = prometheusName(instrument);
    const known = this.#metrics.get(name);
    if (known !== undefined) return known;
    this.restore();
    const registered = this.#adopted(name) ?? this.#created(name, instrument);
    this.#metrics.set(name, registered);
    return registered;
  }

  /** Finds the metric that another copy of this package, or a merged registry, has registered. */
  #adopted(name: string): Registered | undefined {
    const existing = this.#registry.getSingleMetric(name) as { readonly [ownKey]?: Registered } | undefined;
    return existing?.[ownKey];
  }

  #created(name: string, instrument: Instrument): Registered {
    const collectors = new Set<() => void>();
    const collect = () => {
      for (const each of collectors) each();
    };
    const labelNames = [ownerLabel, ...Object.keys(instrument.labels)].map(promLabel);
    const registers = [this.#registry] as never;
    const { help } = instrument;
    const metric = makeMetric(instrument, { name, help, labelNames, registers, collect });
    const registered = { metric, collectors };
    Object.defineProperty(metric, ownKey, { value: registered });
    return registered;
  }
}

interface Settings {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: never;
  readonly collect: () => void;
}

function makeMetric(instrument: Instrument, settings: Settings): KeptMetric {
  switch (instrument.kind) {
    case "counter":
      return new KeptCounter(settings);
    case "gauge":
      return new KeptGauge({ ...settings, aggregator: instrument.aggregator });
    case "histogram":
      return new KeptHistogram({ ...settings, buckets: [...instrument.buckets] });
  }
}

const ofRegistry = new WeakMap<AnyRegistry, RegistryMetrics>();

/** Returns the metrics of this package in `registry`. */
export function metricsOf(registry: AnyRegistry): RegistryMetrics {
  const metrics = ofRegistry.get(registry) ?? new RegistryMetrics(registry);
  ofRegistry.set(registry, metrics);
  return metrics;
}

/** Throws a `TypeError` if `registry` has a metric of another library with the name of one of `instruments`. */
export function checkFree(factory: string, registry: AnyRegistry, instruments: readonly Instrument[]): void {
  for (const name of instruments.map(prometheusName)) {
    const existing = registry.getSingleMetric(name) as object | undefined;
    if (existing === undefined || ownKey in existing) continue;
    throw takenBy(factory, name);
  }
}

function takenBy(factory: string, name: string): TypeError {
  return invalid(
    TypeError,
    `${factory}: registry already has a metric ${name} of another library; remove it, or use another registry`,
  );
}
