export { type TracingOptions, withTracing } from "./telemetry/tracing.ts";
