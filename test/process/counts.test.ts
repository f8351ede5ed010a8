import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, get } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { it } from "node:test";
import { connect as connectTls } from "node:tls";
import { connect as connectNats } from "@nats-io/transport-node";
import { Registry } from "prom-client";
import { createClient } from "redis";
import { observeProcess } from "../../src/process.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { authority } from "../support/certificates.ts";
import { startNats } from "../support/nats-server.ts";
import { goodPeer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { startRedis } from "../support/servers.ts";
import { tlsPeer } from "../support/tls-peers.ts";
import { scrape } from "../telemetry/exposition.ts";

/** Runs `work` `n` times, `size` at a time. */
async function times(n: number, size: number, work: (index: number) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < n; at += size) {
    await Promise.all(Array.from({ length: Math.min(size, n - at) }, (_, each) => work(at + each)));
  }
}

/** An HTTP server on loopback that counts its connections. */
async function httpServer() {
  let accepted = 0;
  const server = createServer((_request, response) => response.end("ok"));
  server.on("connection", () => {
    accepted += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function request(port: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, agent }, (response) => response.resume().on("end", resolve)).on("error", reject);
  });
}

it("the metrics of 5,000 connections of net, tls, http, fetch, redis and NATS equal the counts of their servers", async () => {
  const ca = authority();
  await using plain = await goodPeer();
  await using secure = await tlsPeer(ca.issue({ name: "db.test" }));
  await using agentServer = await httpServer();
  await using fetchServer = await httpServer();
  await using redisServer = await startRedis();
  await using nats = await startNats();
  const names = new Map([
    [plain.port, "net"],
    [secure.port, "tls"],
    [agentServer.port, "agent"],
    [fetchServer.port, "fetch"],
    [redisServer.port, "redis"],
    [nats.port, "nats"],
  ]);
  const registry = new Registry();
  const { stop } = observeProcess({
    observers: [withPrometheus({ registry })],
    name: ({ port }) => names.get(port) ?? "other",
  });

  await times(3000, 100, async () => {
    const socket = connect(plain.port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
  });
  await times(400, 20, async () => {
    const socket = connectTls({ host: "127.0.0.1", port: secure.port, ca: ca.cert, servername: "db.test" });
    await once(socket, "secureConnect");
    socket.end();
    await once(socket.resume(), "close");
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 10 });
  await times(1000, 50, () => request(agentServer.port, agent));
  agent.destroy();
  await times(1400, 50, async () => {
    const response = await fetch(`http://127.0.0.1:${fetchServer.port}/`, { headers: { connection: "close" } });
    await response.text();
  });
  await times(100, 20, async () => {
    const client = createClient({ url: `redis://127.0.0.1:${redisServer.port}` });
    client.on("error", () => {});
    await client.connect();
    client.destroy();
  });
  await times(90, 10, async () => (await connectNats({ servers: nats.address })).close());
  stop();

  const client = createClient({ url: `redis://127.0.0.1:${redisServer.port}` });
  await client.connect();
  const [, redisTotal = ""] = /total_connections_received:(\d+)/.exec(await client.info("stats")) ?? [];
  client.destroy();
  const atServers = {
    net: plain.accepted,
    tls: secure.secured.length,
    agent: agentServer.accepted(),
    fetch: fetchServer.accepted(),
    nats: 90,
  };
  const metrics = await scrape(registry);
  const established = (name: string) => metrics.value("dialer_connection_established_total", { dialer_name: name });
  const seen = Object.fromEntries(Object.keys(atServers).map((name) => [name, established(name)]));
  assert.deepEqual(seen, atServers);
  // The server counts the probe of its start and the client that asks.
  assert.ok(Number(redisTotal) - established("redis") <= 3, `${redisTotal} and ${established("redis")}`);
  assert.equal(established("redis"), 100);
  const total = [...names.values()].reduce((sum, name) => sum + established(name), 0);
  assert.ok(total >= 5000, `${total} connections`);

  await until(() => plain.open.size === 0 && secure.open.size === 0, "the servers see the ends");
  const closed = await scrape(registry);
  for (const name of names.values()) {
    const state = { dialer_name: name, dialer_connection_state: "used" };
    assert.equal(closed.value("dialer_connection_count", state), 0, name);
  }
});
