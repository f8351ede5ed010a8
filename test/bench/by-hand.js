// @ts-check
import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { ExponentialBackoff, handleAll, retry, TimeoutStrategy, timeout, wrap } from "cockatiel";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/**
 * What a service would write without this package: cockatiel's policies, the OpenTelemetry API, and prom-client with its
 * labels bound once. It observes less: no open or closed connections, no reasons, no retries.
 * @param {string} target
 * @param {() => Promise<any>} base
 */
export function byHand(target, base) {
  const metrics = metricsOf(new Registry(), "bench");
  const tracer = trace.getTracer("by-hand");
  const policy = wrap(
    timeout(10_000, TimeoutStrategy.Aggressive),
    retry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff() }),
    timeout(2_000, TimeoutStrategy.Aggressive),
  );

  return () =>
    tracer.startActiveSpan("dial", { kind: SpanKind.INTERNAL, attributes: { "server.address": target } }, (span) =>
      metrics.dial(() =>
        observed(span, () =>
          policy.execute(({ attempt }) =>
            tracer.startActiveSpan("attempt", { attributes: { "dialer.attempt.number": attempt + 1 } }, (attemptSpan) =>
              metrics.attempt(() => observed(attemptSpan, base)),
            ),
          ),
        ),
      ),
    );
}

/**
 * @template T
 * @param {import("@opentelemetry/api").Span} span
 * @param {() => Promise<T>} work
 */
async function observed(span, work) {
  try {
    return await work();
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
    throw error;
  } finally {
    span.end();
  }
}

/** @param {Registry} registry @param {string} name */
function metricsOf(registry, name) {
  const labels = { dialer_name: name };
  const counter = (/** @type {string} */ what) =>
    new Counter({ name: `dial_${what}_total`, help: what, labelNames: ["dialer_name"], registers: [registry] }).labels(
      labels,
    );
  const attempts = counter("attempts");
  const successes = counter("attempt_successes");
  const failures = counter("attempt_failures");
  const active = new Gauge({
    name: "dial_active",
    help: "active",
    labelNames: ["dialer_name"],
    registers: [registry],
  }).labels(labels);
  const durations = new Histogram({
    name: "dial_duration_seconds",
    help: "duration",
    labelNames: ["dialer_name"],
    registers: [registry],
  }).labels(labels);

  return {
    /** @template T @param {() => Promise<T>} work */
    async dial(work) {
      active.inc();
      const stop = durations.startTimer();
      try {
        return await work();
      } finally {
        stop();
        active.dec();
      }
    },
    /** @template T @param {() => Promise<T>} work */
    async attempt(work) {
      attempts.inc();
      try {
        const conn = await work();
        successes.inc();
        return conn;
      } catch (error) {
        failures.inc();
        throw error;
      }
    },
  };
}
