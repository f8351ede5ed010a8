/**
 * Exports spans and metrics of a request and its dial with OpenTelemetry's SDK, by OTLP, to
 * `OTEL_EXPORTER_OTLP_ENDPOINT` or to http://localhost:4318.
 *
 *   npm run build && node --import tsx examples/otel-sdk.ts
 */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { trace } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { compose, tcp, withRetry, withTimeout } from "dialtrace";
import { withOtelMetrics, withTracing } from "dialtrace/otel";

// This is all the set-up that dialtrace needs. A service has it in a file of its own, loaded with `node --import`.
process.env.OTEL_TRACES_EXPORTER ??= "otlp";
process.env.OTEL_METRICS_EXPORTER ??= "otlp";
process.env.OTEL_LOGS_EXPORTER ??= "none";
process.env.OTEL_EXPORTER_OTLP_TIMEOUT ??= "2000"; // ms
const sdk = new NodeSDK({ serviceName: "orders" });
sdk.start();

const dial = compose(
  withTracing({ name: "echo" }),
  withOtelMetrics({ name: "echo" }),
  withTimeout({ timeoutMs: 10_000 }),
  withRetry({ maxAttempts: 4, initialBackoffMs: 200, jitter: "equal" }),
  tcp(),
);

const server = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
server.close(); // down for a moment, so that the first attempts fail
setTimeout(() => server.listen(port, "127.0.0.1"), 150);

await trace.getTracer("orders").startActiveSpan("GET /orders", async (request) => {
  const socket = await dial(`127.0.0.1:${port}`); // the dial's span is a child of the request's
  socket.end("hello");
  await once(socket.resume(), "close");
  console.log(`connected; the trace is ${request.spanContext().traceId}`);
  request.end();
});
server.close();

try {
  await sdk.shutdown(); // exports what is left
  console.log("spans and metrics exported");
} catch (error) {
  console.error(`spans and metrics could not be exported (${(error as Error).message}); is the collector running?`);
  process.exitCode = 1;
}
