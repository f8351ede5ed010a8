import {
  type Attributes,
  type Counter,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  type MetricOptions,
  metrics,
  type UpDownCounter,
  ValueType,
} from "@opentelemetry/api";
import { wrongReturn } from "../support/returned.ts";
import type { Instrument } from "./instrument.ts";
import { type InstrumentKey, instruments } from "./instruments.ts";
import { scopeName, scopeVersion } from "./scope.ts";
import { Shared } from "./shared.ts";
import type { Add, Level, Series, Sink } from "./sink.ts";
import { Timestamps } from "./timestamps.ts";

/** Returns the provider registered with the API, or `undefined` if there is none yet. */
export function registeredMeterProvider(): MeterProvider | undefined {
  const provider = metrics.getMeterProvider();
  return isNoopProvider(provider) ? undefined : provider;
}

/** Whether a provider drops what is measured, as the API's does until the application registers one. */
export function isNoopProvider(provider: MeterProvider): boolean {
  return provider.getMeter(scopeName, scopeVersion) === createNoopMeter();
}

/** Returns the series of one owner (a dialer, pool or client) in the instruments of `provider`. */
export function otelSink(provider: MeterProvider, owner: Attributes): Sink {
  let meters = byProvider.get(provider);
  if (meters === undefined) {
    meters = new Meters(provider);
    byProvider.set(provider, meters);
  }
  const found = meters;
  const attributesOf = (labels: Readonly<Record<string, string>>) => {
    const attributes: Attributes = { ...owner };
    // A label that is empty in Prometheus, such as error.type on success, is absent in OpenTelemetry.
    for (const [label, value] of Object.entries(labels)) if (value !== "") attributes[label] = value;
    return attributes;
  };
  return {
    series: (key, labels) => found.series(key, attributesOf(labels)) as Series<typeof key>,
    earliest: (key, labels) => found.earliest(key, attributesOf(labels)),
    beforeScrape: (_keys, collect) => found.beforeCollection(collect),
    shared: (key, make) => found.shared.of(JSON.stringify([owner, key]), make),
    restore() {},
  };
}

/** The timestamps of one owner. */
interface OwnTimestamps {
  readonly attributes: Attributes;
  readonly timestamps: Timestamps;
}

/** Instruments by provider, so that dialers with the same name share their series. */
const byProvider = new WeakMap<MeterProvider, Meters>();

/**
 * The instruments of one provider. Counts are kept here and passed on at each collection, because the SDK
 * hashes the attributes at every call.
 */
class Meters {
  readonly #meter;
  readonly #collectors = new Set<() => void>();
  /** Pass the kept counts on. They run after the collectors, which may add to them. */
  readonly #flushes = new Set<() => void>();
  readonly #series = new Map<string, Add | Level>();
  /** What the observers of one owner share. */
  readonly shared = new Shared();
  /** The timestamps of each gauge, by their attributes. */
  readonly #timestamps = new Map<InstrumentKey, Map<string, OwnTimestamps>>();

  constructor(provider: MeterProvider) {
    this.#meter = meterOf(provider);
    // The SDK calls this before it reads the meter's other instruments, even without a value to observe.
    this.#createTimestamps("peerCertificateExpiry", () => {
      for (const each of this.#collectors) each();
      for (const each of this.#flushes) each();
    });
  }

  series(key: InstrumentKey, attributes: Attributes): Add | Level {
    const id = JSON.stringify([key, attributes]);
    const existing = this.#series.get(id);
    if (existing !== undefined) return existing;
    const made = this.#make(instruments[key], attributes);
    this.#series.set(id, made);
    return made;
  }

  earliest(key: InstrumentKey, attributes: Attributes): Timestamps {
    const all = this.#timestamps.get(key) ?? this.#createTimestamps(key);
    const id = JSON.stringify(attributes);
    const found = all.get(id) ?? { attributes, timestamps: new Timestamps() };
    all.set(id, found);
    return found.timestamps;
  }

  /** Creates a gauge of timestamps. The SDK calls `before` and reads it at each collection. */
  #createTimestamps(key: InstrumentKey, before = () => {}): Map<string, OwnTimestamps> {
    const all = new Map<string, OwnTimestamps>();
    this.#timestamps.set(key, all);
    this.#meter.createObservableGauge(instruments[key].name, optionsOf(instruments[key])).addCallback((result) => {
      before();
      for (const { attributes, timestamps } of all.values()) {
        const { earliest } = timestamps;
        if (earliest !== undefined) result.observe(earliest, attributes);
      }
    });
    return all;
  }

  beforeCollection(collect: () => void): void {
    this.#collectors.add(collect);
  }

  #make(instrument: Instrument, attributes: Attributes): Add | Level {
    const { name, kind } = instrument;
    // The SDK returns the same instrument for the same name.
    if (kind === "counter") {
      return this.#keptUntilCollection(this.#meter.createCounter(name, optionsOf(instrument)), attributes);
    }
    if (kind === "gauge") {
      return this.#keptUntilCollection(this.#meter.createUpDownCounter(name, optionsOf(instrument)), attributes);
    }
    // The API has no way to start a histogram at zero: its series begin with the first observation.
    const histogram: Histogram = this.#meter.createHistogram(name, optionsOf(instrument));
    return (value) => histogram.record(value, attributes);
  }

  #keptUntilCollection(counter: Counter | UpDownCounter, attributes: Attributes): Level {
    counter.add(0, attributes);
    let level = 0;
    let pending = 0;
    this.#flushes.add(() => {
      if (pending !== 0) counter.add(pending, attributes);
      pending = 0;
    });
    return (value) => {
      pending += value;
      level += value;
      return level;
    };
  }
}

function meterOf(provider: MeterProvider): Meter {
  const meter: unknown = provider.getMeter(scopeName, scopeVersion);
  if (typeof (meter as Partial<Meter> | undefined | null)?.createCounter === "function") return meter as Meter;
  throw wrongReturn("meterProvider.getMeter()", "must return a meter", meter);
}

function optionsOf(instrument: Instrument): MetricOptions {
  const { help, unit } = instrument;
  return {
    description: help,
    unit,
    valueType: unit === "s" ? ValueType.DOUBLE : ValueType.INT,
    ...(instrument.kind === "histogram" && { advice: { explicitBucketBoundaries: [...instrument.buckets] } }),
  };
}
