// @ts-check
import { Registry } from "prom-client";
import { compose, withRetry, withTimeout } from "../../dist/index.js";
import { withTracing } from "../../dist/otel.js";
import { withPrometheus } from "../../dist/prometheus.js";

/**
 * The dialer of a typical service: spans, metrics, timeouts and retries.
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
 * {@link fullStack} without telemetry.
 * @param {import("../../dist/index.js").Dialer} base
 */
export function silentStack(base) {
  return compose(withTimeout({ timeoutMs: 10_000 }), withRetry(), withTimeout({ timeoutMs: 2_000 }), base);
}
