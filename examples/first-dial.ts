/**
 * A first dial with retries, timeouts, a log, spans and metrics. The program's own echo server starts a little late, so
 * that the first attempts fail.
 *
 *   npm run build && node --import tsx examples/first-dial.ts
 */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { compose, tcp, withLog, withRetry, withTimeout } from "dialtrace";
import { withTracing } from "dialtrace/otel";
import { withPrometheus } from "dialtrace/prometheus";
import { Registry } from "prom-client";

const registry = new Registry();

const dial = compose(
  withTracing(), // spans of the layers below, if OpenTelemetry is set up
  withPrometheus({ registry, name: "echo" }), // metrics of the layers below
  withLog(), // log lines
  withTimeout({ timeoutMs: 10_000 }), // the whole dial: every attempt and delay
  withRetry({ maxAttempts: 4, initialBackoffMs: 200, maxBackoffMs: 2_000, jitter: "equal" }),
  withTimeout({ timeoutMs: 2_000 }), // one attempt
  tcp(), // the base dialer comes last
);

const server = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
server.close(); // down for a moment, so that the first attempts fail
setTimeout(() => server.listen(port, "127.0.0.1"), 250);

const socket = await dial(`127.0.0.1:${port}`, { signal: AbortSignal.timeout(15_000) });
socket.write("hello");
const [reply] = await once(socket, "data");
console.log(`the server echoed "${reply}"`);

socket.end();
await once(socket, "close");
server.close();
console.log(await registry.getSingleMetricAsString("dialer_attempt_started_total"));
