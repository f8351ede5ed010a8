import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { assertInOrder, startExample } from "./demo.ts";

test("examples/otel-sdk.ts exports the trace of a request with its dial, and the dialer's metrics", async () => {
  const bodies: Record<string, string> = {};
  const collector = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const path = request.url ?? "";
    bodies[path] = (bodies[path] ?? "") + Buffer.concat(chunks).toString("latin1");
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
  try {
    const { port } = collector.address() as AddressInfo;
    await using example = startExample("otel-sdk.ts", [], {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_TIMEOUT: "30000",
    });
    assert.equal(await example.ended(), 0, example.output);
    assertInOrder(example.output, ["connected; the trace is ", "spans and metrics exported"]);
    const [, traceId = ""] = /the trace is ([0-9a-f]{32})/.exec(example.output) ?? [];
    const { "/v1/traces": spans = "", "/v1/metrics": metrics = "", ...rest } = bodies;
    assert.deepEqual(rest, {});
    // The request, the dial, and at least two attempts with their connects, all in one trace.
    const inTrace = spans.split(Buffer.from(traceId, "hex").toString("latin1")).length - 1;
    assert.ok(inTrace >= 6, `${inTrace} spans`);
    for (const name of ["GET /orders", "dial", "attempt", "connect", "refused"]) {
      assert.ok(spans.includes(name), name);
    }
    for (const name of ["dialer.dial.duration", "dialer.connection.count", "dialer.retry.scheduled"]) {
      assert.ok(metrics.includes(name), `${name} in ${metrics}`);
    }
  } finally {
    collector.close();
    collector.closeAllConnections();
  }
});

test("examples/otel-sdk.ts ends with exit code 1 and a hint when no collector is running", async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_EXPORTER_OTLP_TIMEOUT: "300" };
  await using example = startExample("otel-sdk.ts", [], env);
  assert.equal(await example.ended(), 1, example.output);
  assertInOrder(example.output, [
    "connected",
    /spans and metrics could not be exported \(.*\); is the collector running\?/,
  ]);
});
