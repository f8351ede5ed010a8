import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { panelSeries, variableValues } from "../dashboards/evaluate.ts";
import { boards, panelsOf } from "../dashboards/shipped.ts";
import { startBrowser } from "../support/browser.ts";
import { unpackedConsumer } from "../support/consumer.ts";
import { countingHttpServer, natsConnections } from "../support/counting-servers.ts";
import { startNats } from "../support/nats-server.ts";
import { type ObservedService, startService } from "../support/observed-service.ts";
import { freePort } from "../support/peers.ts";
import { type Prometheus, startPrometheus } from "../support/prometheus.ts";
import { postgresUser, startPostgres } from "../support/servers/postgres.ts";
import { redisConnections, startRedis } from "../support/servers/redis.ts";

/**
 * A service that knows nothing of this package. Its variables are the ports of its servers. It connects with the first
 * request, when Prometheus has scraped it: a counter has no rate before its second sample.
 */
const app = `
  import express from "express";
  import { Redis } from "ioredis";
  import { connect } from "@nats-io/transport-node";
  import pg from "pg";

  const { PG, REDIS, NATS, API } = process.env;
  const db = new pg.Pool({ host: "127.0.0.1", port: Number(PG), ...${JSON.stringify(postgresUser)}, max: 3 });
  const cache = new Redis(Number(REDIS), "127.0.0.1", { lazyConnect: true });
  let connecting;
  const app = express();
  app.get("/", async (request, response) => {
    connecting ??= connect({ servers: "127.0.0.1:" + NATS });
    const bus = await connecting;
    const [{ rows }, visits, api] = await Promise.all([
      db.query("SELECT 1 AS one"),
      cache.incr("visits"),
      fetch("http://127.0.0.1:" + API + "/").then((answer) => answer.text()),
    ]);
    bus.publish("visited", String(visits));
    await bus.flush();
    response.json({ one: rows[0].one, api });
  });
  const server = app.listen(0, "127.0.0.1", () => console.log("app at http://127.0.0.1:" + server.address().port));
`;

/** Starts the service with one flag, as its user would. */
async function startApp(env: NodeJS.ProcessEnv): Promise<ObservedService> {
  const { folder, write } = await unpackedConsumer();
  for (const name of ["express", "ioredis", "pg"]) {
    symlinkSync(resolve("node_modules", name), join(folder, "node_modules", name));
  }
  write({ "app.mjs": app });
  const args = ["--import", "dialtrace/register", "app.mjs"];
  return startService({ folder, command: process.execPath, args, env });
}

/** The clients, by the names that the service gives them. */
const clients = ["api", "bus", "cache", "db"] as const;

/** Panels that show each client while it works: those of failures, retries and layers above the connections do not. */
const expectedPanels = {
  "fleet.json": [
    "Dials",
    "Dial duration, now",
    "Open connections",
    "Dials by outcome",
    "Dial duration",
    "Worst ten: dial duration",
  ],
  "dialer.json": [
    "Dials by outcome",
    "Dial duration",
    "Dial duration, distribution",
    "Phase duration",
    "Connects, by address family",
    "Open connections",
    "Connections opened and closed",
    "Bytes",
  ],
};

/** Panels of closed connections. They depend on time: fetch closes connections that are idle for long. */
const panelsOfClosed = ["Connections closed, by reason", "Connection lifetime"];

describe("an Express service with one flag", { timeout: 240_000 }, () => {
  const started: AsyncDisposable[] = [];
  const use = <R extends AsyncDisposable>(resource: R): R => {
    started.push(resource);
    return resource;
  };
  let service: ObservedService;
  let prometheus: Prometheus;
  /** Time in seconds at which Prometheus has scraped all connections, while those of fetch are open. */
  let asOf: number;
  /** Connections that the servers have counted. */
  let atServers: Record<string, number>;

  before(async () => {
    const postgres = use(await startPostgres());
    const redis = use(await startRedis());
    const monitor = await freePort();
    const nats = use(await startNats(["-m", String(monitor)]));
    const api = use(await countingHttpServer());
    const counts = async () => ({
      api: api.accepted(),
      bus: await natsConnections(monitor),
      cache: await redisConnections(redis),
      db: await postgres.connections(),
    });
    // The servers count the probes of their start.
    const probes = await counts();
    const ports = { PG: postgres.port, REDIS: redis.port, NATS: nats.port, API: api.port };
    service = use(
      await startApp({
        ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
        DIALTRACE_NAMES: `:${ports.PG}=db,:${ports.REDIS}=cache,:${ports.NATS}=bus,:${ports.API}=api,:1=idle`,
      }),
    );
    const { host } = new URL(service.metrics);
    prometheus = use(await startPrometheus({ targets: [{ address: host, labels: { instance: "a", job: "shop" } }] }));
    for (let round = 0; round < 10; round += 1) {
      const visits = Array.from({ length: 5 }, async () => (await fetch(service.url)).json());
      for (const answer of await Promise.all(visits)) assert.deepEqual(answer, { one: 1, api: "ok" }, service.said());
    }
    asOf = await prometheus.scraped();
    const all = await counts();
    atServers = Object.fromEntries(clients.map((name) => [name, all[name] - probes[name]]));
  });

  after(async () => {
    for (const resource of started.reverse()) await resource[Symbol.asyncDispose]();
  });

  it("the metrics have each client, with the counts of the servers", async () => {
    const metrics = await service.scrape();
    const established = (name: string) => metrics.value("dialer_connection_established_total", { dialer_name: name });
    assert.deepEqual(Object.fromEntries(clients.map((name) => [name, established(name)])), atServers);
    assert.equal(atServers.db, 3);
  });

  it("the page has a card for each client, with the counts of the servers", async () => {
    // A name of the variable has a card before its first connection; "default" has none while a pattern matches each target.
    assert.deepEqual(await service.shown(), { ...atServers, idle: 0 });
    await using browser = await startBrowser();
    const page = await browser.open(service.page);
    await page.locator(".dialer").nth(clients.length).waitFor();
    const cards = (await page.locator(".dialer").allInnerTexts()).join("\n");
    for (const name of clients) assert.match(cards, new RegExp(`\\b${name}\\b`));
  });

  it("the Grafana dashboards show each client in a real Prometheus, with the counts of the servers", async () => {
    const valuesOf = async (query: string) =>
      Object.fromEntries((await prometheus.query(query, asOf)).map(({ metric, value }) => [metric.dialer_name, value]));
    assert.deepEqual(await valuesOf("dialer_connection_established_total"), { ...atServers, idle: 0 });

    for (const [file, expected] of Object.entries(expectedPanels)) {
      assert.deepEqual((await variableValues(prometheus, file)).dialer_name, [...clients, "idle"]);
      const panels = panelsOf(boards.get(file) ?? assert.fail(file));
      const titles = panels.map(({ title = "" }) => title).filter((title) => !panelsOfClosed.includes(title));
      for (const name of clients) {
        const shown: string[] = [];
        for (const title of titles) {
          const series = await panelSeries({ prometheus, asOf }, file, title, { dialer_name: name });
          if (series.some(({ value }) => value > 0)) shown.push(title);
        }
        assert.deepEqual(shown, expected, `${name} on ${file}`);
      }
    }
    for (const name of ["bus", "cache", "db"]) {
      const [open] = await panelSeries({ prometheus, asOf }, "dialer.json", "Open connections", { dialer_name: name });
      assert.equal(open?.value, atServers[name], name);
    }
    const byName = await panelSeries({ prometheus, asOf }, "fleet.json", "Failed dials, by dialer");
    assert.deepEqual(
      byName.map(({ legend, value }) => [legend, value]).sort(),
      clients.map((name) => [name, 0]),
    );
  });
});
