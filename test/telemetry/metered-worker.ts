/** A worker of a cluster, or a worker thread, with a few dials: as many as its number. */
import { isMainThread, parentPort } from "node:worker_threads";
import { AggregatorRegistry, register } from "prom-client";
import { compose, type Dialer, parseTarget } from "../../src/index.ts";
import { natsMetrics, poolMetrics, withPrometheus } from "../../src/prometheus.ts";
import { connection } from "../support/contract.ts";

const worker = Number(process.env.WORKER);
const registry = register;
poolMetrics({ registry });
natsMetrics({ registry });
const dial = compose(withPrometheus({ registry }), (async (target, { trace } = {}) => {
  trace?.tlsHandshakeDone?.({
    target: parseTarget(target),
    serverName: "db",
    durationMs: 1,
    outcome: "success",
    peerCertificateExpiresAt: (2_000_000_000 + worker) * 1000,
  });
  return connection();
}) as Dialer);
for (let count = 0; count < worker; count += 1) await dial("db:5432");

if (isMainThread) {
  // Listens for the requests of the primary process.
  new AggregatorRegistry();
  process.send?.("ready");
} else {
  parentPort?.postMessage(await registry.getMetricsAsJSON());
}
