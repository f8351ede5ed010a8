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
import { type Instrument, type InstrumentKey, instruments, ownerLabel } from "./instruments.ts";
import { Moments } from "./moments.ts";
import type { Add, Level, Series, Sink, TellMoment } from "./sink.ts";

/** The name of our meter. */
const scope = "dialtrace";

/** The provider registered with the API, or `undefined` as long as there is none. */
export function registeredMeterProvider(): MeterProvider | undefined {
  const provider = metrics.getMeterProvider();
  return provider.getMeter(scope) === createNoopMeter() ? undefined : provider;
}

/** The series of one owner (a dialer or client) in the instruments of `provider`. */
export function otelSink(provider: MeterProvider, owner: string): Sink {
  let meters = byProvider.get(provider);
  if (meters === undefined) {
    meters = new Meters(provider);
    byProvider.set(provider, meters);
  }
  const found = meters;
  const attributesOf = (labels: Readonly<Record<string, string>>) => {
    const attributes: Attributes = { [ownerLabel]: owner };
    // What is empty in Prometheus is not there in OpenTelemetry: error.type, where nothing went wrong.
    for (const [label, value] of Object.entries(labels)) if (value !== "") attributes[label] = value;
    return attributes;
  };
  return {
    series: (key, labels) => found.series(key, attributesOf(labels)) as Series<typeof key>,
    earliest: (key) => found.earliest(key, attributesOf({})),
    beforeScrape: (_keys, collect) => found.beforeCollection(collect),
  };
}

/** Providers whose instruments we have made: a series is found again, also by another dialer of its name. */
const byProvider = new WeakMap<MeterProvider, Meters>();

/**
 * The instruments of one provider. Counts are kept here and told when they are collected, for the SDK
 * hashes the attributes anew at every call.
 */
class Meters {
  readonly #meter;
  readonly #collectors = new Set<() => void>();
  /** Tell what was kept; after the collectors, for those add too. */
  readonly #flushes = new Set<() => void>();
  readonly #series = new Map<string, Add | Level>();
  readonly #moments = new Map<string, { readonly attributes: Attributes; readonly moments: Moments }>();

  constructor(provider: MeterProvider) {
    this.#meter = meterOf(provider);
    const { name } = instruments.peerCertificateExpiry;
    const expiry = this.#meter.createObservableGauge(name, optionsOf(instruments.peerCertificateExpiry));
    // It is called before anything of this meter is read, whether there is such a moment or not.
    expiry.addCallback((result) => {
      for (const each of this.#collectors) each();
      for (const each of this.#flushes) each();
      for (const { attributes, moments } of this.#moments.values()) {
        if (moments.earliest !== undefined) result.observe(moments.earliest, attributes);
      }
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

  earliest(key: InstrumentKey, attributes: Attributes): TellMoment {
    const id = JSON.stringify([key, attributes]);
    const found = this.#moments.get(id) ?? { attributes, moments: new Moments() };
    this.#moments.set(id, found);
    return (name, seconds) => found.moments.tell(name, seconds);
  }

  beforeCollection(collect: () => void): void {
    this.#collectors.add(collect);
  }

  #make(instrument: Instrument, attributes: Attributes): Add | Level {
    const { name, kind } = instrument;
    // The SDK gives the same instrument for the same name.
    if (kind === "counter") {
      return this.#keptUntilCollection(this.#meter.createCounter(name, optionsOf(instrument)), attributes);
    }
    if (kind === "gauge") {
      return this.#keptUntilCollection(this.#meter.createUpDownCounter(name, optionsOf(instrument)), attributes);
    }
    // No histogram can be told that it has had nothing yet: its series begin with what is first observed.
    const histogram: Histogram = this.#meter.createHistogram(name, optionsOf(instrument));
    return (value) => histogram.record(value, attributes);
  }

  #keptUntilCollection(counter: Counter | UpDownCounter, attributes: Attributes): Level {
    counter.add(0, attributes);
    let level = 0;
    let untold = 0;
    this.#flushes.add(() => {
      if (untold !== 0) counter.add(untold, attributes);
      untold = 0;
    });
    return (value) => {
      untold += value;
      level += value;
      return level;
    };
  }
}

function meterOf(provider: MeterProvider): Meter {
  const meter: unknown = provider.getMeter(scope);
  if (typeof (meter as Partial<Meter> | undefined | null)?.createCounter === "function") return meter as Meter;
  throw wrongReturn("meterProvider.getMeter()", "must return a meter", meter);
}

function optionsOf({ help, unit, buckets }: Instrument): MetricOptions {
  return {
    description: help,
    unit,
    valueType: unit === "s" ? ValueType.DOUBLE : ValueType.INT,
    ...(buckets && { advice: { explicitBucketBoundaries: [...buckets] } }),
  };
}
