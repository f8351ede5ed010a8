import assert from "node:assert/strict";
import cluster from "node:cluster";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { AggregatorRegistry, type MetricObject, Registry } from "prom-client";
import { withBreaker } from "../../src/breaker.ts";
import { compose, pool, tcp } from "../../src/index.ts";
import { natsMetrics, poolMetrics, withPrometheus } from "../../src/prometheus.ts";
import type { Instrument } from "../../src/telemetry/instrument.ts";
import { instruments } from "../../src/telemetry/instruments.ts";
import { prometheusName } from "../../src/telemetry/prometheus-name.ts";
import { goodPeer } from "../support/peers.ts";
import { parseExposition } from "./exposition.ts";

/** Dials of the worker with each number. Each holds as many connections open, and sees a certificate of its own. */
const workers = [1, 2, 3] as const;
const expiryOf = (worker: number) => 2_000_000_000 + worker;

/** The program of a worker: `parent` receives the worker's metrics once, when it sends anything. */
const program = new URL("metered-worker.ts", import.meta.url);

/** Node 20 ignores `--import` in the options of a thread. */
const inThread = `import("tsx/esm/api").then(({ register }) => (register(), import("${program}")))`;

function assertAggregated(text: string): void {
  const { value, families } = parseExposition(text);
  const me = { dialer_name: "default" };
  assert.equal(value("dialer_connection_established_total", me), 6);
  assert.equal(value("dialer_dial_duration_seconds_count", { ...me, error_type: "" }), 6);
  assert.equal(value("dialer_connection_count", { ...me, dialer_connection_state: "used" }), 6);
  assert.equal(value("nats_client_connection_status", { ...me, nats_client_state: "connecting" }), 0);
  assert.equal(value("dialer_tls_peer_certificate_expiry_timestamp_seconds", me), expiryOf(1));
  for (const row of Object.values(instruments) as Instrument[]) {
    // Series of layers that the workers don't have are absent.
    if (/^(dialer\.(dial|attempt|connection|pool)|nats)\./.test(row.name))
      assert.ok(families.has(prometheusName(row)), row.name);
  }
}

describe("metrics of several processes and threads", () => {
  it("the metrics of dialers, pools and clients can be cloned structurally, with and without default labels", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const dialer = compose(withPrometheus({ registry, goConntrack: true }), tcp());
    await using connections = pool({ dialer, maxOpen: 1, trace: poolMetrics({ registry }) });
    natsMetrics({ registry });
    (await connections.acquire(server.address)).release();
    for (const labels of [{}, { app: "shop" }]) {
      registry.setDefaultLabels(labels);
      const metrics = await registry.getMetricsAsJSON();
      assert.deepEqual(structuredClone(metrics), metrics);
      const { text } = { text: await registry.metrics() };
      assert.equal(text.includes('app="shop"'), "app" in labels, "default labels do not outlast their registry");
    }
  });

  it("every gauge has an aggregator, and dates are not added up", async () => {
    const registry = new Registry();
    compose(withPrometheus({ registry }), withBreaker({ breaker: { consecutive: 2 } }), tcp());
    poolMetrics({ registry });
    natsMetrics({ registry });
    const metrics = (await registry.getMetricsAsJSON()) as (MetricObject & { readonly name: string })[];
    const aggregators = new Map(metrics.map(({ name, aggregator }) => [name, aggregator as string]));
    for (const row of Object.values(instruments) as Instrument[]) {
      if (row.kind !== "gauge") continue;
      const expected = row.name.endsWith(".timestamp") ? "min" : "sum";
      assert.deepEqual([row.name, row.aggregator], [row.name, expected]);
      assert.deepEqual([row.name, aggregators.get(prometheusName(row))], [row.name, expected]);
    }
  });

  for (const serialization of ["json", "advanced"] as const) {
    it(`prom-client's cluster aggregation adds up three workers, with serialization ${serialization}`, async () => {
      cluster.setupPrimary({ exec: program.pathname, execArgv: ["--import", "tsx"], serialization } as never);
      const aggregator = new AggregatorRegistry();
      const forked = workers.map((worker) => cluster.fork({ WORKER: worker }));
      try {
        await Promise.all(forked.map((worker) => once(worker, "message")));
        assertAggregated(await aggregator.clusterMetrics());
      } finally {
        const ended = forked.map((worker) => once(worker, "exit"));
        for (const worker of forked) worker.kill("SIGKILL");
        await Promise.all(ended);
      }
    });
  }

  it("the metrics of three worker threads can be aggregated", async () => {
    const threads = workers.map(
      (worker) => new Worker(inThread, { eval: true, env: { ...process.env, WORKER: `${worker}` } }),
    );
    try {
      const metrics = await Promise.all(threads.map(async (thread) => (await once(thread, "message"))[0]));
      assertAggregated(await AggregatorRegistry.aggregate(metrics).metrics());
    } finally {
      await Promise.all(threads.map((thread) => thread.terminate()));
    }
  });
});
