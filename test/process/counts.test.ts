import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { connect } from "node:net";
import { it } from "node:test";
import { connect as connectTls } from "node:tls";
import { connect as connectNats } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import { connectAsync as connectMqtt } from "mqtt";
import pg from "pg";
import { Registry } from "prom-client";
import { createClient } from "redis";
import { observeProcess } from "../../src/process.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { authority } from "../support/certificates.ts";
import { countingHttpServer, natsConnections } from "../support/counting-servers.ts";
import { startNats } from "../support/nats-server.ts";
import { freePort, goodPeer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { startMosquitto } from "../support/servers/mosquitto.ts";
import { postgresUser, startPostgres } from "../support/servers/postgres.ts";
import { redisConnections, startRedis } from "../support/servers/redis.ts";
import { tlsPeer } from "../support/tls-peers.ts";
import { scrape } from "../telemetry/exposition.ts";

/** Runs `work` `n` times, `size` at a time. */
async function times(n: number, size: number, work: (index: number) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < n; at += size) {
    await Promise.all(Array.from({ length: Math.min(size, n - at) }, (_, each) => work(at + each)));
  }
}

function request(port: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, agent }, (response) => response.resume().on("end", resolve)).on("error", reject);
  });
}

/** Makes `n` connections of each driver, and ends them. */
async function useDrivers(
  n: number,
  ports: { redis: number; ioredis: number; pg: number; mqtt: number; nats: number },
) {
  const host = "127.0.0.1";
  await times(n, 20, async () => {
    const client = createClient({ url: `redis://${host}:${ports.redis}`, socket: { connectTimeout: 30_000 } });
    client.on("error", () => {});
    await client.connect();
    client.destroy();
  });
  await times(n, 20, async () => {
    const client = new Redis({ host, port: ports.ioredis, lazyConnect: true });
    await client.connect();
    await client.quit();
  });
  await times(n, 20, async () => {
    const client = new pg.Client({ host, port: ports.pg, ...postgresUser });
    await client.connect();
    await client.query("SELECT 1");
    await client.end();
  });
  await times(n, 20, async () => (await connectMqtt(`mqtt://${host}:${ports.mqtt}`)).endAsync());
  await times(n, 10, async () => (await connectNats({ servers: `${host}:${ports.nats}` })).close());
}

const ofDrivers = 90;

it("the metrics of 5,000 connections of net, tls, http, fetch, pg, ioredis, redis, mqtt and NATS equal the counts of their servers", async () => {
  const ca = authority();
  await using plain = await goodPeer();
  await using secure = await tlsPeer(ca.issue({ name: "db.test" }));
  await using agentServer = await countingHttpServer();
  await using fetchServer = await countingHttpServer();
  await using redisServer = await startRedis();
  await using ioredisServer = await startRedis();
  await using postgres = await startPostgres();
  await using mosquitto = await startMosquitto();
  const monitor = await freePort();
  await using nats = await startNats(["-m", String(monitor)]);
  const counters: Record<string, () => number | Promise<number>> = {
    net: () => plain.accepted,
    tls: () => secure.secured.length,
    agent: agentServer.accepted,
    fetch: fetchServer.accepted,
    redis: () => redisConnections(redisServer),
    ioredis: () => redisConnections(ioredisServer),
    pg: postgres.connections,
    mqtt: mosquitto.connections,
    nats: () => natsConnections(monitor),
  };
  const counts = async () => {
    const found = await Promise.all(Object.values(counters).map((count) => count()));
    return Object.fromEntries(Object.keys(counters).map((name, index) => [name, found[index] ?? 0]));
  };
  const ports = { redis: redisServer.port, ioredis: ioredisServer.port, pg: postgres.port, mqtt: mosquitto.port };
  const names = new Map([
    [plain.port, "net"],
    [secure.port, "tls"],
    [agentServer.port, "agent"],
    [fetchServer.port, "fetch"],
    ...Object.entries({ ...ports, nats: nats.port }).map(([name, port]) => [port, name] as const),
  ]);
  // The servers count the probes of their start.
  const before = await counts();
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
  await useDrivers(ofDrivers, { ...ports, nats: nats.port });
  stop();

  const metrics = await scrape(registry);
  const established = (name: string) => metrics.value("dialer_connection_established_total", { dialer_name: name });
  const seen = Object.fromEntries(Object.keys(counters).map((name) => [name, established(name)]));
  const after = await counts();
  const atServers = Object.fromEntries(
    Object.keys(counters).map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]),
  );
  assert.deepEqual(seen, atServers);
  for (const name of ["redis", "ioredis", "pg", "mqtt", "nats"]) assert.equal(seen[name], ofDrivers, name);
  const total = Object.values(seen).reduce((sum, count) => sum + count, 0);
  assert.ok(total >= 5000, `${total} connections`);

  await until(() => plain.open.size === 0 && secure.open.size === 0, "the servers see the ends");
  const closed = await scrape(registry);
  for (const name of names.values()) {
    const state = { dialer_name: name, dialer_connection_state: "used" };
    assert.equal(closed.value("dialer_connection_count", state), 0, name);
  }
});
