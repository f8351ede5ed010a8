import { reasons } from "../core/reasons.ts";

/** One row of the table of metrics: everything that a metrics library needs to create the instrument. */
export type Instrument = CounterRow | GaugeRow | HistogramRow;

interface Row {
  /** OpenTelemetry name. The Prometheus name is derived from it. */
  readonly name: string;
  /** UCUM unit. `s` and `By` become suffixes in Prometheus; annotations in braces do not. */
  readonly unit: string;
  readonly help: string;
  /** Attributes besides {@link ownerLabel}, each with its set of values. The values of `dialer.endpoint` are configured. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

interface CounterRow extends Row {
  readonly kind: "counter";
}

interface GaugeRow extends Row {
  readonly kind: "gauge";
  /** How prom-client combines the values of several processes or threads. */
  readonly aggregator: "sum" | "min";
}

interface HistogramRow extends Row {
  readonly kind: "histogram";
  /** Upper bounds of the buckets. */
  readonly buckets: readonly number[];
}

/** Attribute of every instrument: the name of the dialer, pool or client. */
export const ownerLabel = "dialer.name";

/** The value of `error.type` on success. */
export const noError = "";

/** Buckets of durations of operations, in seconds. */
export const latency = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The reason of a failure. */
export const errorType = { "error.type": reasons };

/** Whether bytes or messages are received or sent. */
export const ioDirection = { "network.io.direction": ["receive", "transmit"] } as const;
