export { type NatsOtelMetricsOptions, natsOtelMetrics } from "./telemetry/nats-otel-metrics.ts";
export { type NatsTracingOptions, natsTracing } from "./telemetry/nats-tracing.ts";
export { type OtelMetricsOptions, withOtelMetrics } from "./telemetry/otel-metrics.ts";
export { type PoolOtelMetricsOptions, poolOtelMetrics } from "./telemetry/pool-otel-metrics.ts";
export { poolTracing } from "./telemetry/pool-tracing.ts";
export { spanExemplar } from "./telemetry/span-exemplar.ts";
export { type TracingOptions, withTracing } from "./telemetry/tracing.ts";
