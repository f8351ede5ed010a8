import assert from "node:assert/strict";
import type { MeterProvider as ApiMeterProvider } from "@opentelemetry/api";
import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  type MetricData,
  MetricReader,
  type ViewOptions,
} from "@opentelemetry/sdk-metrics";
import type { Sample } from "./exposition.ts";

/** The result of one collection by OpenTelemetry's SDK. */
export interface Collection {
  readonly metrics: readonly MetricData[];
  /** All series, converted to Prometheus by OpenTelemetry's specification. */
  readonly samples: readonly Sample[];
}

/** OpenTelemetry's SDK with a reader that collects on demand. */
export function meterSdk({ temporality, views }: MeterSdkOptions = {}) {
  class Reader extends MetricReader {
    protected override async onForceFlush() {}
    protected override async onShutdown() {}
  }
  const reader = new Reader({
    aggregationTemporalitySelector: () => temporality ?? AggregationTemporality.CUMULATIVE,
  });
  const provider = new MeterProvider({ readers: [reader], ...(views && { views }) });
  return {
    meterProvider: provider as ApiMeterProvider,
    reader,
    async collect(): Promise<Collection> {
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw new AggregateError(errors);
      const metrics = resourceMetrics.scopeMetrics.flatMap((each) => each.metrics);
      return { metrics, samples: metrics.flatMap(samplesOf) };
    },
  };
}

interface MeterSdkOptions {
  readonly temporality?: AggregationTemporality;
  readonly views?: ViewOptions[];
}

/** @see https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus */
function samplesOf(metric: MetricData): Sample[] {
  const { name: otelName, unit } = metric.descriptor;
  const monotonic = metric.dataPointType === DataPointType.SUM && metric.isMonotonic;
  const suffix = ({ s: "_seconds", By: "_bytes" } as Record<string, string>)[unit] ?? "";
  const name = `${otelName.replaceAll(".", "_")}${suffix}${monotonic ? "_total" : ""}`;
  const labelsOf = (attributes: object) =>
    Object.fromEntries(Object.entries(attributes).map(([label, value]) => [label.replaceAll(".", "_"), String(value)]));
  if (metric.dataPointType !== DataPointType.HISTOGRAM) {
    return metric.dataPoints.map(({ attributes, value }) => ({
      name,
      labels: labelsOf(attributes),
      value: value as number,
    }));
  }
  return metric.dataPoints.flatMap(({ attributes, value }) => {
    const labels = labelsOf(attributes);
    const bounds = [...value.buckets.boundaries.map(String), "+Inf"];
    let count = 0;
    const buckets = bounds.map((le, index) => {
      count += value.buckets.counts[index] ?? 0;
      return { name: `${name}_bucket`, labels: { ...labels, le }, value: count };
    });
    return [
      ...buckets,
      { name: `${name}_sum`, labels, value: value.sum ?? 0 },
      { name: `${name}_count`, labels, value: value.count },
    ];
  });
}

/**
 * Asserts that two libraries expose the same series with the same values. Empty labels count as absent, as in
 * Prometheus. Empty histograms are ignored, because not every library can expose them.
 */
export function assertSameSeries(actual: readonly Sample[], expected: readonly Sample[], message?: string): void {
  const [ours, theirs] = [seriesOf(actual), seriesOf(expected)];
  for (const [series, value] of theirs) {
    const own = ours.get(series);
    // The order of additions changes the last digits of sums.
    if (own !== undefined && !Number.isInteger(value) && Math.abs(own / value - 1) < 1e-9) ours.set(series, value);
  }
  assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(theirs), message);
}

function seriesOf(samples: readonly Sample[]): Map<string, number> {
  const empty = new Set(
    samples
      .filter(({ name, value }) => name.endsWith("_count") && value === 0)
      .map(({ name, labels }) => `${name.slice(0, -"_count".length)}{${keyOf(labels)}}`),
  );
  const shown = samples.filter(({ name, labels }) => {
    const { le: _, ...others } = labels;
    return !empty.has(`${name.replace(/_(bucket|sum|count)$/, "")}{${keyOf(others)}}`) || isGauge(name);
  });
  assert.equal(new Set(shown.map(({ name, labels }) => `${name}{${keyOf(labels)}}`)).size, shown.length, "no doubles");
  return new Map(shown.map(({ name, labels, value }) => [`${name}{${keyOf(labels)}}`, value]));
}

/** Gauges whose names end like those of counters. */
const isGauge = (name: string) => name === "dialer_connection_count" || name === "nats_client_server_count";

function keyOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .filter(([, value]) => value !== "")
    .map(([label, value]) => `${label}="${value}"`)
    .sort()
    .join(",");
}
