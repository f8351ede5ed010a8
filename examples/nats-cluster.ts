/**
 * A client that outlives its servers. It discovers a cluster of three from one node, moves when that node dies, discovers
 * a fourth, and stays connected when the first three are gone. While all nodes are down it buffers messages up to its
 * limit, and sends them when a node is back.
 *
 *   npm run build && node --import tsx examples/nats-cluster.ts
 */
import { compose, tcp, withTimeout } from "dialtrace";
import { connect, ReconnectBufferError } from "dialtrace/nats";
import { natsTracing, withTracing } from "dialtrace/otel";
import { natsMetrics, withPrometheus } from "dialtrace/prometheus";
import { Registry } from "prom-client";
import { newCluster } from "./support/nats.ts";
import { until } from "./support/until.ts";

await using cluster = newCluster();
const [a, b, c] = [await cluster.add("a"), await cluster.add("b"), await cluster.add("c")];

const registry = new Registry();
const name = "orders";
let server = ""; // current server; empty during an outage
let waiting: string[] = []; // published since the loss
const learned = new Set<string>(); // discovered servers

const nc = await connect({
  name,
  servers: a.address, // One is enough: it announces the others.
  dialer: compose(
    withTracing({ name }), // spans, once OpenTelemetry is set up; `npm run demo` prints them
    withPrometheus({ registry, name }),
    withTimeout({ timeoutMs: 5_000 }),
    tcp(),
  ),
  trace: [natsMetrics({ registry, name }), natsTracing()],
  maxReconnectAttempts: -1, // never gives up
  reconnectDelayHandler: (attempt) => Math.random() * Math.min(50 * 2 ** attempt, 400), // ms; short for this example
  reconnectBufSize: 256, // bytes; the default is 8 MiB
  onConnect(info) {
    server = info.server;
    console.log(`client  connected to ${info.identity.name}`);
  },
  onDiscoveredServers({ added }) {
    for (const address of added) learned.add(address);
    console.log(`client  discovered ${added.map(cluster.nameOf).join(", ")}`);
  },
  onDisconnect(info) {
    server = "";
    waiting = [];
    console.log(`client  disconnected from ${cluster.nameOf(info.server)}: ${info.reason}`);
  },
  onReconnect(info) {
    server = info.server;
    console.log(`client  reconnected to ${info.identity.name} after an outage of ${info.outageMs.toFixed(0)} ms`);
  },
  onClosed: () => console.log("client  closed"),
});

// On the same connection, so that it is subscribed again before buffered messages are sent: NATS itself stores nothing.
const received = new Set<string>();
nc.subscribe("orders", { callback: (_error, message) => void received.add(message.string()) });

let published = 0;
let refused = 0;
const publisher = setInterval(() => {
  const order = `order ${published + refused + 1}`;
  try {
    nc.publish("orders", order);
    published += 1;
    if (server === "") waiting.push(order);
  } catch (error) {
    if (!(error instanceof ReconnectBufferError)) throw error;
    // The message was not taken: keep it, or report the failure.
    if (refused === 0) console.log(`client  ${order} is rejected: ${error.message}`);
    refused += 1;
  }
}, 100);
await until(() => received.size > 0 && learned.has(b.address) && learned.has(c.address), "the client to know them all");

console.log("\nThe client's node goes down:");
await a.stop();
await until(() => server === b.address || server === c.address, "the client to move");

console.log("\nA fourth node joins, and the others of the first three go down:");
const d = await cluster.add("d");
await until(() => learned.has(d.address), "the client to learn of the fourth");
await Promise.all([b.stop(), c.stop()]);
await until(() => server === d.address, "the client to move to the fourth");

console.log("\nAll nodes are down:");
await d.stop();
await until(() => refused > 0, "the buffer to be full");
console.log(`client  ${waiting.length} orders are buffered`);

console.log("\nOne node comes back:");
await a.start();
await until(() => waiting.every((order) => received.has(order)), "the buffered orders to arrive");
console.log(`client  the ${waiting.length} buffered orders have arrived`);

clearInterval(publisher);
await nc.drain();
console.log(`\nIn numbers: ${published} orders published, ${refused} rejected, ${received.size} received.`);
console.log(
  "Messages in flight when a server dies are lost; use JetStream for messages that must not be. The metrics:",
);
for (const what of [
  "disconnects_total",
  "reconnect_succeeded_total",
  "outage_duration_seconds",
  "publish_rejected_total",
]) {
  const text = await registry.getSingleMetricAsString(`nats_client_${what}`);
  const seen = text.split("\n").filter((line) => !/^#|_bucket| 0$|^$/.test(line));
  console.log(seen.join("\n"));
}
