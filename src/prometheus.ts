export { type NatsMetricsOptions, natsMetrics } from "./telemetry/nats-metrics.ts";
export { type PrometheusOptions, withPrometheus } from "./telemetry/prometheus.ts";
