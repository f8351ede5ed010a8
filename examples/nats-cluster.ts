/**
 * A client that outlives its servers: it learns of a cluster of three from one of them, moves when that
 * one dies, learns of a fourth, is still there when the first three are gone, keeps what is published
 * while all are down as far as the buffer goes, and sends it when one is back.
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
let server = ""; // that the client is connected to; none during an outage
let waiting: string[] = []; // what was published since it was lost
const learned = new Set<string>(); // servers that it was told of

const nc = await connect({
  name,
  servers: a.address, // One is enough: it tells of the others.
  dialer: compose(
    withTracing({ name }), // spans, once OpenTelemetry is set up; `npm run demo` prints them
    withPrometheus({ registry, name }),
    withTimeout({ timeoutMs: 2_000 }),
    tcp(),
  ),
  trace: [natsMetrics({ registry, name }), natsTracing()],
  maxReconnectAttempts: -1, // never gives up
  reconnectDelayHandler: (attempt) => Math.random() * Math.min(50 * 2 ** attempt, 400), // ms; quick, for the show
  reconnectBufSize: 256, // bytes; 8 MiB unless told
  onConnect(info) {
    server = info.server;
    console.log(`client  connected to ${info.identity.name}`);
  },
  onDiscoveredServers({ added }) {
    for (const address of added) learned.add(address);
    console.log(`client  learned of ${added.map(cluster.nameOf).join(", ")}`);
  },
  onDisconnect(info) {
    server = "";
    waiting = [];
    console.log(`client  no longer on ${cluster.nameOf(info.server)}, because: ${info.reason}`);
  },
  onReconnect(info) {
    server = info.server;
    console.log(`client  back, on ${info.identity.name}, after an outage of ${info.outageMs.toFixed(0)} ms`);
  },
  onClosed: () => console.log("client  closed"),
});

// On the same connection, so that it listens again before what has waited is sent: NATS itself keeps nothing.
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
    // It is still yours: keep it, or tell whoever gave it to you.
    if (refused === 0) console.log(`client  ${order} is refused: ${error.message}`);
    refused += 1;
  }
}, 100);
await until(() => received.size > 0 && learned.has(b.address) && learned.has(c.address), "the client to know them all");

console.log("\nThe node that the client is on goes down:");
await a.stop();
await until(() => server === b.address || server === c.address, "the client to move");

console.log("\nA fourth joins, and the rest of the first three go:");
const d = await cluster.add("d");
await until(() => learned.has(d.address), "the client to learn of the fourth");
await Promise.all([b.stop(), c.stop()]);
await until(() => server === d.address, "the client to move to the fourth");

console.log("\nNone is left:");
await d.stop();
await until(() => refused > 0, "the buffer to be full");
console.log(`client  ${waiting.length} orders wait`);

console.log("\nOne comes back:");
await a.start();
await until(() => waiting.every((order) => received.has(order)), "what has waited to arrive");
console.log(`client  the ${waiting.length} orders that have waited have arrived`);

clearInterval(publisher);
await nc.drain();
console.log(`\nIn numbers: ${published} orders published, ${refused} refused, ${received.size} received.`);
console.log("What is on its way when a server dies is lost: JetStream is for what may not be. The metrics:");
for (const what of ["disconnects_total", "reconnects_total", "outage_duration_seconds", "publishes_rejected_total"]) {
  const text = await registry.getSingleMetricAsString(`nats_client_${what}`);
  const seen = text.split("\n").filter((line) => !/^#|_bucket| 0$|^$/.test(line));
  console.log(seen.join("\n"));
}
