import assert from "node:assert/strict";
import { subscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { Registry } from "prom-client";
import { dialEventNames } from "../../src/core/trace.ts";
import {
  compose,
  retryBudget,
  type Target,
  withConcurrencyLimit,
  withDiagnosticsChannel,
  withFailover,
  withLog,
  withRateLimit,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { inspector } from "../../src/inspector.ts";
import { withOtelMetrics, withTracing } from "../../src/otel.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { scriptedDialer, withFaults } from "../../src/testing.ts";
import { connection, decoratorContract } from "../support/contract.ts";

const ignore = () => {};
const silent = { info() {}, warn() {} };
const hooks = () => Object.fromEntries(dialEventNames.map((name) => [name, () => {}]));
const throwing = () =>
  Object.fromEntries(
    dialEventNames.map((name) => [
      name,
      () => {
        throw new Error("a broken hook");
      },
    ]),
  );
const tracerProvider = () =>
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(new InMemorySpanExporter())] });

decoratorContract("withTimeout", () => withTimeout({ timeoutMs: 1000 }));
decoratorContract("withTimeout with timeoutMs of the dial", () => (next) => {
  const bounded = withTimeout({ timeoutMs: 10_000 })(next);
  return (target, options) => bounded(target, { ...options, timeoutMs: 1000 });
});
decoratorContract("withRetry", () => withRetry());
decoratorContract("withRetry with a budget", () => withRetry({ budget: retryBudget() }));
decoratorContract("withConcurrencyLimit", () => withConcurrencyLimit({ maxConcurrent: 3, waitTimeoutMs: 1000 }));
decoratorContract("withRateLimit", () => withRateLimit({ dialsPerSecond: 1, burst: 3 }));
decoratorContract("withRetry with a backoff before the first attempt", () =>
  withRetry({ backoffBeforeFirst: true, backoff: () => 0 }),
);
decoratorContract("withRetry with options of the dial", () => (next) => {
  const retried = withRetry({ maxAttempts: 1 })(next);
  return (target, options) => retried(target, { ...options, maxAttempts: 4, backoff: () => 100, skip: [] });
});
decoratorContract("withRetry that is skipped", () => (next) => {
  const retried = withRetry()(next);
  return (target, options) => retried(target, { ...options, skip: ["retry"] });
});
decoratorContract("withTrace with hooks", () => withTrace(hooks()));
decoratorContract("withTrace with an observer", () => withTrace(hooks));
decoratorContract("withTrace with an observer that returns undefined", () => withTrace(() => undefined));
decoratorContract("withTrace with hooks that throw", () => withTrace(throwing()));
decoratorContract("withTrace with an observer whose hooks throw", () => withTrace(throwing));
decoratorContract("withTrace with an observer that throws", () =>
  withTrace(() => {
    throw new Error("a broken observer");
  }),
);
decoratorContract("withDiagnosticsChannel", () => withDiagnosticsChannel());
decoratorContract("withDiagnosticsChannel with subscribers", () => {
  for (const name of dialEventNames) subscribe(`dialtrace:${name}`, ignore);
  return withDiagnosticsChannel();
});
// The contract requires that the target is passed on as the caller gave it.
const named = async function* (target: Target) {
  yield [target];
};
decoratorContract("withFailover", () => withFailover({ discover: named }));
decoratorContract("withFailover with least_loaded", () => withFailover({ discover: named, policy: "least_loaded" }));
decoratorContract("withLog", () => withLog(silent));
decoratorContract("withLog with pretty", () => withLog(silent, { pretty: true }));
decoratorContract("an inspector's layer", () => inspector().observe());
decoratorContract("withPrometheus", () => withPrometheus({ registry: new Registry(), goConntrack: true }));
decoratorContract("withOtelMetrics", () => withOtelMetrics({ meterProvider: new MeterProvider() }));
decoratorContract("withOtelMetrics without a provider", () => withOtelMetrics());
decoratorContract("withTracing as spans", () => withTracing({ tracerProvider: tracerProvider() }));
decoratorContract("withTracing as events", () => withTracing({ tracerProvider: tracerProvider(), mode: "events" }));
decoratorContract("a composition of all decorators", () => {
  const layers = [
    withTracing({ tracerProvider: tracerProvider() }),
    withPrometheus({ registry: new Registry() }),
    withOtelMetrics({ meterProvider: new MeterProvider() }),
    withDiagnosticsChannel(),
    withLog(silent),
    withTimeout({ timeoutMs: 10_000 }),
    withRetry(),
    withFailover({ discover: named }),
    withTrace(hooks),
    withTimeout({ timeoutMs: 1000 }),
  ];
  return (next) => layers.reduceRight((inner, layer) => layer(inner), next);
});
decoratorContract("withFaults without faults", () => withFaults());
decoratorContract("withFaults for other targets", () => withFaults({ blackHole: 1, only: () => false }));
decoratorContract("a user's decorator", () => (next) => (target, options) => next(target, { ...options }));

test("the two test doubles of the contract suite behave as documented", async () => {
  const conn = await compose(scriptedDialer([async () => connection()]))("h:1");
  assert.equal(conn.destroyed, false);
  conn.destroy();
});
