import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { compose, pool, tcp, withRetry } from "../../../src/index.ts";
import { inspector } from "../../../src/inspector.ts";
import { poolMetrics, withPrometheus } from "../../../src/prometheus.ts";
import { type Checks, closed, read } from "./checks.ts";
import { reportOf, stage, untilSeen } from "./stage.ts";

/** The metrics that are compared with the servers. */
const metrics = {
  started: "dialer_attempt_started_total",
  established: "dialer_connection_established_total",
  failed: "dialer_attempt_failed_total",
  open: "dialer_connection_count",
  bytes: "dialer_connection_io_bytes_total",
};

/** The sum of all series of a metric whose labels match. */
async function sum(registry: Registry, metric: keyof typeof metrics, labels = /./): Promise<number> {
  const lines = (await registry.metrics()).split("\n").filter((line) => line.startsWith(`${metrics[metric]}{`));
  assert.ok(lines.length > 0, `no series ${metrics[metric]}`);
  return lines
    .filter((line) => labels.test(line))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" "))), 0);
}

const connections = 25;

export const metricsChecks: Checks = {
  "metrics, page and server agree on connections and bytes": async () => {
    const registry = new Registry();
    const page = inspector();
    const before = await reportOf("echo");
    const dial = compose(withPrometheus({ registry }), page.observe(), tcp());
    const open = await Promise.all(Array.from({ length: connections }, () => dial(stage.peers.echo)));
    for (const conn of open) {
      conn.write("12345678");
      await read(conn, 8);
    }
    await untilSeen("echo", (seen) => seen.open === connections);
    assert.equal(await sum(registry, "open"), connections);
    assert.equal(page.snapshot().dialers[0]?.connections.open, connections);
    for (const conn of open) {
      conn.end();
      await closed(conn);
    }
    await untilSeen("echo", (seen) => seen.open === 0);
    const seen = await reportOf("echo");
    assert.equal(await sum(registry, "open"), 0);
    assert.equal(await sum(registry, "started"), connections);
    assert.equal(await sum(registry, "established"), seen.accepted - before.accepted);
    assert.equal(await sum(registry, "bytes", /direction="receive"/), seen.bytesWritten - before.bytesWritten);
    assert.equal(await sum(registry, "bytes", /direction="transmit"/), seen.bytesRead - before.bytesRead);
    const shown = page.snapshot().dialers[0];
    assert.deepEqual([shown?.connections.closed, shown?.bytesRead, shown?.bytesWritten], [25, 200, 200]);
  },

  "metrics count failed attempts by reason": async () => {
    const registry = new Registry();
    const retry = withRetry({ maxAttempts: 3, initialBackoffMs: 1 });
    const dial = compose(withPrometheus({ registry }), retry, tcp());
    await assert.rejects(dial(stage.peers.refused));
    assert.equal(await sum(registry, "started"), 3);
    assert.equal(await sum(registry, "failed", /error_type="refused"/), 3);
    assert.equal(await sum(registry, "established"), 0);
  },

  "a registry holds the metrics of a pool": async () => {
    const registry = new Registry();
    const leases = pool({ dialer: compose(tcp()), trace: poolMetrics({ registry }) });
    const lease = await leases.acquire(stage.peers.echo);
    assert.match(await registry.metrics(), /^dialer_pool_\w+(?:\{[^}]*\})? 1$/m);
    lease.release();
    await leases.close();
  },
};
