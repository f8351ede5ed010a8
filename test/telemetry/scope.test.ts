import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { compose } from "dialtrace";
import { withOtelMetrics, withTracing } from "dialtrace/otel";
import { scriptedDialer } from "dialtrace/testing";
import { meterSdk } from "./collection.ts";

const { name, version } = JSON.parse(readFileSync("package.json", "utf8"));

test("the scope of spans and metrics has the name and the version of the package", async () => {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const { meterProvider, reader } = meterSdk();
  const dial = compose(withTracing({ tracerProvider }), withOtelMetrics({ meterProvider }), scriptedDialer());
  await dial("h:1");

  const spanScopes = exporter.getFinishedSpans().map(({ instrumentationScope: scope }) => [scope.name, scope.version]);
  assert.ok(spanScopes.length > 0);
  for (const scope of spanScopes) assert.deepEqual(scope, [name, version]);
  const { resourceMetrics } = await reader.collect();
  const meterScopes = resourceMetrics.scopeMetrics.map(({ scope }) => [scope.name, scope.version]);
  assert.deepEqual(meterScopes, [[name, version]]);
});
