// @ts-check
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { Registry } from "prom-client";
import { compose, withRetry, withTimeout } from "../../dist/index.js";
import { withPrometheus } from "../../dist/prometheus.js";

/**
 * The full stack with the two spans of `withTracing` written by hand, with the same attributes: one around the layers, and one
 * inside them around each attempt. It dials in sequence only.
 * @param {any} base
 * @returns {(target: string) => Promise<any>}
 */
export function handTracedStack(base) {
  const tracer = trace.getTracer("by-hand");
  let attempts = 0;
  const dial = compose(
    withPrometheus({ registry: new Registry(), name: "bench" }),
    withTimeout({ timeoutMs: 10_000 }),
    withRetry(),
    withTimeout({ timeoutMs: 2_000 }),
    /** @type {any} */ (
      function attempt(/** @type {any} */ target, /** @type {any} */ options) {
        attempts += 1;
        const attributes = { "dialer.attempt.number": attempts, "dialer.endpoint": String(target) };
        const span = tracer.startSpan("attempt", { kind: SpanKind.INTERNAL, attributes });
        return context.with(trace.setSpan(context.active(), span), () => ended(span, base(target, options)));
      }
    ),
  );

  return function handTracedDial(target) {
    attempts = 0;
    const [host = "", port] = target.split(":");
    const attributes = {
      "dialer.name": "default",
      "server.address": host,
      "server.port": Number(port),
      "network.transport": "tcp",
    };
    const span = tracer.startSpan("dial", { kind: SpanKind.INTERNAL, attributes });
    return context.with(trace.setSpan(context.active(), span), () =>
      ended(span, dial(target), () => ({ "dialer.attempt.count": attempts, "dialer.outcome": "success" })),
    );
  };
}

/**
 * Ends `span` when `work` ends.
 * @param {import("@opentelemetry/api").Span} span
 * @param {Promise<any>} work
 * @param {() => import("@opentelemetry/api").Attributes} [onSuccess]
 */
async function ended(span, work, onSuccess) {
  try {
    const conn = await work;
    if (onSuccess !== undefined) span.setAttributes(onSuccess());
    return conn;
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
    throw error;
  } finally {
    span.end();
  }
}
