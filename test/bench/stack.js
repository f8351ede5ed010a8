// @ts-check
import { Registry } from "prom-client";
import { compose, withRetry, withTimeout } from "../../dist/index.js";
import { withTracing } from "../../dist/otel.js";
import { withPrometheus } from "../../dist/prometheus.js";

/**
 * What a service would dial through: traced, measured, bounded, retried.
 * @param {import("../../dist/index.js").Dialer} base
 */
export function fullStack(base) {
  return compose(
    withTracing(),
    withPrometheus({ registry: new Registry(), name: "bench" }),
    withTimeout({ timeoutMs: 10_000 }),
    withRetry(),
    withTimeout({ timeoutMs: 2_000 }),
    base,
  );
}

/**
 * The same without telemetry.
 * @param {import("../../dist/index.js").Dialer} base
 */
export function silentStack(base) {
  return compose(withTimeout({ timeoutMs: 10_000 }), withRetry(), withTimeout({ timeoutMs: 2_000 }), base);
}
