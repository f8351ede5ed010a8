// @ts-check
import { subscribe } from "node:diagnostics_channel";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { Registry } from "prom-client";
import { withBreaker } from "../../../dist/breaker.js";
import { compose, withDiagnosticsChannel, withRetry, withTimeout } from "../../../dist/index.js";
import { inspector } from "../../../dist/inspector.js";
import { withOtelMetrics, withTracing } from "../../../dist/otel.js";
import { withPrometheus } from "../../../dist/prometheus.js";
import { inTurn, noop } from "../loop.js";
import { fullStack, silentStack } from "../stack.js";
import { stubDialer, target } from "../stub.js";

/** The SDK with a reader, without which it drops all measurements. Nothing is ever collected. */
function meterProvider() {
  class Reader extends MetricReader {
    async onForceFlush() {}
    async onShutdown() {}
  }
  return new MeterProvider({ readers: [new Reader()] });
}

/** @type {Record<string, () => any>} */
const dialers = {
  "compose(stub)": () => compose(stubDialer),
  withTimeout: () => compose(withTimeout({ timeoutMs: 2_000 }), stubDialer),
  withRetry: () => compose(withRetry(), stubDialer),
  withBreaker: () => compose(withBreaker({ breaker: { consecutive: 5 } }), stubDialer),
  "withBreaker, sampling": () => {
    const sampling = { threshold: 0.5, durationMs: 10_000, minimumRps: 1 };
    return compose(withBreaker({ breaker: { sampling } }), stubDialer);
  },
  withTracing: () => compose(withTracing(), stubDialer),
  withPrometheus: () => compose(withPrometheus({ registry: new Registry() }), stubDialer),
  "withOtelMetrics, no SDK": () => compose(withOtelMetrics(), stubDialer),
  "withOtelMetrics, with the SDK": () => compose(withOtelMetrics({ meterProvider: meterProvider() }), stubDialer),
  "withDiagnosticsChannel, no subscriber": () => compose(withDiagnosticsChannel(), stubDialer),
  "withDiagnosticsChannel, one to dialDone": () => {
    subscribe("dialtrace:dialDone", noop);
    return compose(withDiagnosticsChannel(), stubDialer);
  },
  "an inspector's layer": () => compose(inspector().observe(), stubDialer),
  "timeout, retry, timeout": () => silentStack(stubDialer),
  "the full stack": () => fullStack(stubDialer),
};

export const layers = Object.keys(dialers);

/** Dials through one layer over the stub. @param {{ variant: string }} settings */
export function prepare({ variant }) {
  const dial = dialers[variant]?.();
  return (/** @type {number} */ n) => inTurn(n, () => dial(target));
}
