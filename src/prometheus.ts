export { type NatsMetricsOptions, natsMetrics } from "./telemetry/nats-metrics.ts";
export { type PoolMetricsOptions, poolMetrics } from "./telemetry/pool-prometheus.ts";
export { type PrometheusOptions, withPrometheus } from "./telemetry/prometheus.ts";
