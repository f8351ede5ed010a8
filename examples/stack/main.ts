/**
 * Fills the dashboards: three dialers, one of which mostly fails, and a NATS client. Serves metrics at :9464/metrics and
 * exports spans by OTLP to the containers of docker-compose.yaml.
 *
 *   npm run build && node --import tsx examples/stack/main.ts
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { compose, type Dialer, type Middleware, tcp, withRetry, withTimeout } from "dialtrace";
import { connect } from "dialtrace/nats";
import { natsTracing, withTracing } from "dialtrace/otel";
import { natsMetrics, withPrometheus } from "dialtrace/prometheus";
import { Registry } from "prom-client";

const { NATS_URL = "127.0.0.1:4222", METRICS_PORT = "9464" } = process.env;
process.env.OTEL_EXPORTER_OTLP_ENDPOINT ??= "http://127.0.0.1:4318";

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
const { signal } = stop;

const sdk = new NodeSDK({ serviceName: "dialtrace-stack", metricReaders: [], logRecordProcessors: [] });
sdk.start();
const registry = new Registry();

function dialer(name: string, ...inner: Middleware[]): Dialer {
  return compose(
    withTracing({ name }),
    withPrometheus({ registry, name }),
    withTimeout({ timeoutMs: 5_000 }),
    withRetry({ maxAttempts: 3, initialBackoffMs: 100 }),
    ...inner,
    tcp(),
  );
}

/** Sends this share of the attempts to a port that nothing listens on. */
function misdirect(share: number): Middleware {
  return (next) => (target, options) => next(Math.random() < share ? "127.0.0.1:1" : target, options);
}

// On all interfaces, since Prometheus runs in a container.
const metrics = createServer(async (request, response) => {
  if (request.url !== "/metrics") response.writeHead(404).end();
  else response.writeHead(200, { "content-type": registry.contentType }).end(await registry.metrics());
}).listen(Number(METRICS_PORT));
const server = createTcpServer((socket) => socket.on("error", () => {}).resume()).listen(0, "127.0.0.1");
await Promise.all([once(metrics, "listening"), once(server, "listening")]);
const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
console.log(
  `metrics are at http://127.0.0.1:${(metrics.address() as AddressInfo).port}/metrics; Ctrl-C ends the program`,
);

/** Dials repeatedly and closes each connection after a random time of at most `livesMs`. */
async function keepDialing(dial: Dialer, everyMs: number, livesMs: number): Promise<void> {
  while (!signal.aborted) {
    const socket = await dial(target, { signal }).catch(() => undefined); // Counted by the metrics.
    socket?.on("error", () => {}); // Resets are counted, too.
    setTimeout(() => socket?.destroy(), livesMs * Math.random()).unref();
    await sleep(everyMs * 2 * Math.random(), undefined, { signal }).catch(() => {});
  }
}

const client = await connect({
  servers: NATS_URL,
  name: "events",
  dialer: dialer("events"),
  trace: [natsMetrics({ registry, name: "events" }), natsTracing()],
  connectInBackground: true,
  maxReconnectAttempts: -1,
  rttIntervalMs: 5_000,
  signal,
});
client.ready.then(
  (nc) => nc.subscribe("events", { callback: () => {} }),
  () => {}, // Stopped before the client connected.
);

async function keepPublishing(): Promise<void> {
  while (!signal.aborted) {
    if (client.isConnected) client.connection?.publish("events", "hello");
    await sleep(200, undefined, { signal }).catch(() => {});
  }
}

await Promise.all([
  keepDialing(dialer("orders-db"), 300, 20_000),
  keepDialing(dialer("cache", misdirect(0.2)), 200, 5_000),
  keepDialing(dialer("legacy", misdirect(0.9)), 1_000, 60_000),
  keepPublishing(),
]);
await client.close();
server.close();
metrics.close();
metrics.closeAllConnections();
// An unreachable collector must not delay the exit.
await Promise.race([sdk.shutdown().catch(() => {}), sleep(1_000, undefined, { ref: false })]);
process.exit();
