export { type NatsTracingOptions, natsTracing } from "./telemetry/nats-tracing.ts";
export { type TracingOptions, withTracing } from "./telemetry/tracing.ts";
