import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { it } from "node:test";
import { startBrowser } from "../support/browser.ts";
import { unpackedConsumer } from "../support/consumer.ts";
import { countingHttpServer, natsConnections } from "../support/counting-servers.ts";
import { startNats } from "../support/nats-server.ts";
import { startService } from "../support/observed-service.ts";
import { freePort } from "../support/peers.ts";
import { postgresUser, startPostgres } from "../support/servers/postgres.ts";
import { redisConnections, startRedis } from "../support/servers/redis.ts";

/** A service that knows nothing of this package. Its variables are the ports of its servers. */
const app = `
  import express from "express";
  import { Redis } from "ioredis";
  import { connect } from "@nats-io/transport-node";
  import pg from "pg";

  const { PG, REDIS, NATS, API } = process.env;
  const db = new pg.Pool({ host: "127.0.0.1", port: Number(PG), ...${JSON.stringify(postgresUser)}, max: 3 });
  const cache = new Redis(Number(REDIS), "127.0.0.1");
  const bus = await connect({ servers: "127.0.0.1:" + NATS });
  const app = express();
  app.get("/", async (request, response) => {
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
async function startApp(env: NodeJS.ProcessEnv) {
  const { folder, write } = await unpackedConsumer();
  for (const name of ["express", "ioredis", "pg"]) {
    symlinkSync(resolve("node_modules", name), join(folder, "node_modules", name));
  }
  write({ "app.mjs": app });
  const args = ["--import", "dialtrace/register", "app.mjs"];
  return startService({ folder, command: process.execPath, args, env });
}

it("one flag shows each client of an Express service in metrics and page, with the counts of the servers", {
  timeout: 240_000,
}, async () => {
  await using postgres = await startPostgres();
  await using redis = await startRedis();
  const monitor = await freePort();
  await using nats = await startNats(["-m", String(monitor)]);
  await using api = await countingHttpServer();
  const counts = async () => ({
    api: api.accepted(),
    bus: await natsConnections(monitor),
    cache: await redisConnections(redis),
    db: postgres.connections(),
  });
  // The servers count the probes of their start.
  const before = await counts();
  const ports = { PG: postgres.port, REDIS: redis.port, NATS: nats.port, API: api.port };
  await using service = await startApp({
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
    DIALTRACE_NAMES: `:${ports.PG}=db,:${ports.REDIS}=cache,:${ports.NATS}=bus,:${ports.API}=api,:1=idle`,
  });
  for (let round = 0; round < 10; round += 1) {
    const visits = Array.from({ length: 5 }, async () => (await fetch(service.url)).json());
    for (const answer of await Promise.all(visits)) assert.deepEqual(answer, { one: 1, api: "ok" }, service.said());
  }

  const after = await counts();
  const names = ["api", "bus", "cache", "db"] as const;
  const atServers = Object.fromEntries(names.map((name) => [name, after[name] - before[name]]));
  const metrics = await service.scrape();
  const established = (name: string) => metrics.value("dialer_connection_established_total", { dialer_name: name });
  assert.deepEqual(Object.fromEntries(names.map((name) => [name, established(name)])), atServers);
  assert.equal(atServers.db, 3);

  // A name of the variable has a card before its first connection; "default" has none without a target that no pattern matches.
  assert.deepEqual(await service.shown(), { ...atServers, idle: 0 });

  await using browser = await startBrowser();
  const page = await browser.open(service.page);
  await page.locator(".dialer").nth(4).waitFor();
  const cards = (await page.locator(".dialer").allInnerTexts()).join("\n");
  for (const name of names) assert.match(cards, new RegExp(`\\b${name}\\b`));
});
