import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { Registry } from "prom-client";
import { compose, tcp, withRetry, withTimeout } from "../../src/index.ts";
import { natsMetrics, withPrometheus } from "../../src/prometheus.ts";
import { freePort, goodPeer } from "../support/peers.ts";
import { findCommand } from "../support/tools.ts";
import { playedClient } from "./clients.ts";

/** Runs Prometheus's own linter on the exposition at `url`. */
async function check(url: string): Promise<string> {
  const input = await (await fetch(url)).text();
  assert.notEqual(input, "");
  const { status, stdout, stderr } = spawnSync(findCommand("promtool") ?? "promtool", ["check", "metrics"], {
    input,
    encoding: "utf8",
  });
  const said = `${stdout}${stderr}`.trim();
  assert.equal(status, said === "" ? 0 : 3, said);
  return said;
}

/** Serves the result of `expose` over HTTP. */
async function exposing(expose: () => Promise<string>) {
  const server = createServer(async (_request, response) => response.end(await expose())).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

describe("promtool check metrics", () => {
  /** OpenTelemetry uses such names for gauges (`db.client.connection.count`); the linter reserves them for histograms. */
  const counts = ["dialer_connection_count", "nats_client_server_count"].map(
    (name) => `${name} non-histogram and non-summary metrics should not have "_count" suffix`,
  );

  it("promtool accepts names, units, types and help of a live scrape", async () => {
    await using peer = await goodPeer();
    const registry = new Registry();
    const { events } = playedClient(natsMetrics({ registry }), { state: "connected" });
    const metrics = withPrometheus({ registry, goConntrack: true });
    const dial = compose(metrics, withTimeout({ timeoutMs: 5000 }), withRetry({ maxAttempts: 2 }), tcp());
    const handshake: Parameters<typeof dial>[1] = {
      handshake: async (conn, { trace }) => {
        const ended = { durationMs: 1, outcome: "success" } as const;
        trace?.tlsHandshakeDone?.({ serverName: "db", peerCertificateExpiresAt: Date.now(), ...ended });
        return conn;
      },
    };
    const conn = await dial(peer.address, handshake);
    await assert.rejects(dial(`127.0.0.1:${await freePort()}`));
    for (const name of ["a", "b"]) compose(withPrometheus({ registry, name }), tcp());
    events.emit("rtt", { durationMs: 1 });

    await using exposed = await exposing(() => registry.metrics());
    assert.deepEqual((await check(exposed.url)).split("\n"), counts);
    conn.destroy();
    events.close(undefined);
  });

  it("promtool reports an invalid exposition", async () => {
    const text =
      "# HELP dial_time_milliseconds_total x\n# TYPE dial_time_milliseconds_total gauge\ndial_time_milliseconds_total 1\n";
    await using exposed = await exposing(async () => text);
    const said = await check(exposed.url);
    assert.match(said, /dial_time_milliseconds_total use base unit "seconds"/);
    assert.match(said, /dial_time_milliseconds_total non-counter metrics should not have "_total" suffix/);
  });
});
