/**
 * PostgreSQL, Redis and HTTP behind one dialer, which retries, observes and counts the dials of all three clients. Redis is
 * killed and comes back; PostgreSQL refuses a password. With `--stay` the program goes on until Ctrl-C, to watch the live
 * page.
 *
 *   npm run build && node --import tsx examples/clients.ts --stay
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { compose, DialError, tcp, withRetry, withTimeout, withTrace } from "dialtrace";
import { ioredisConnector, pgClient } from "dialtrace/clients";
import { inspector } from "dialtrace/inspector";
import { withPrometheus } from "dialtrace/prometheus";
import { dispatcher } from "dialtrace/undici";
import { AbstractConnector, Redis } from "ioredis";
import pg from "pg";
import { Registry } from "prom-client";
import { fetch } from "undici";
import { postgresUser } from "../test/support/servers/postgres.ts";
import { needDatabases, postgresServer, redisServer } from "./support/servers.ts";
import { until } from "./support/until.ts";

needDatabases();
const registry = new Registry();
const page = inspector();
await using live = await page.listen();
console.log(`page    ${live.url}`);

await using database = await postgresServer();
await using cache = await redisServer();
const web = createServer((_request, response) => response.end("hello")).listen(0, "127.0.0.1");
await once(web, "listening");
const webPort = (web.address() as AddressInfo).port;

const names = new Map([
  [database.port, "postgres"],
  [cache.port, "redis"],
  [webPort, "http"],
]);
const outcomes: string[] = []; // such as "redis refused"

const name = "orders";
const dial = compose(
  withPrometheus({ registry, name }), // metrics of the layers below
  page.observe({ name }), // the live page
  withTrace({
    dialDone({ target, outcome, reason, attempts, durationMs }) {
      const client = names.get(target.port) ?? "unknown";
      outcomes.push(`${client} ${reason ?? outcome}`);
      console.log(`dialer  ${client}: ${reason ?? outcome}, attempts: ${attempts}, ${durationMs.toFixed(0)} ms`);
    },
    connClosed: ({ target, reason }) => console.log(`dialer  ${names.get(target.port)}: connection closed, ${reason}`),
  }),
  withTimeout({ timeoutMs: 5_000 }), // the whole dial, including the login
  withRetry({ maxAttempts: 2, initialBackoffMs: 20 }),
  tcp(),
);

// Each client gets the dialer by its own option.
const Client = pgClient(pg.Client, dial);
const login = { ...postgresUser, host: "127.0.0.1", port: database.port };
const pool = new pg.Pool({ ...login, Client });
pool.on("error", () => {}); // An idle connection was lost: the dialer prints it.
const redis = new Redis({
  host: "127.0.0.1",
  port: cache.port,
  Connector: ioredisConnector(AbstractConnector, dial),
  lazyConnect: true, // dials with the first command
  retryStrategy: () => 50, // ms; short for this example
  maxRetriesPerRequest: null, // commands wait for the server
});
redis.on("error", () => {}); // The dialer prints it.
const agent = dispatcher(dial);

const queryDatabase = async () => (await pool.query("select 1 as one")).rows[0].one;
const queryWeb = async () => (await fetch(`http://127.0.0.1:${webPort}/`, { dispatcher: agent })).text();

console.log("\nEach client's first request dials:");
console.log(`client  postgres answers ${await queryDatabase()}`);
console.log(`client  redis answers ${await redis.ping()}`);
console.log(`client  http answers ${await queryWeb()}`);

console.log("\nRedis is killed:");
await cache.kill();
await until(() => outcomes.includes("redis refused"), "a dial of Redis to fail");
const waiting = redis.ping();
console.log(`client  postgres still answers ${await queryDatabase()}`);
console.log(`client  http still answers ${await queryWeb()}`);

console.log("\nRedis comes back:");
await cache.restart();
console.log(`client  redis answers ${await waiting}, to a command of the outage`);

console.log("\nPostgreSQL refuses a password, which is a failed dial too:");
const stranger = new Client({ ...login, password: "wrong" });
stranger.on("error", () => {}); // connect() rejects with it.
await stranger.connect().then(
  () => Promise.reject(new Error("accepted with a wrong password")),
  (error: Error) => console.log(`client  ${error instanceof DialError ? error.reason : error.message}`),
);

console.log("\nThe metrics:");
for (const metric of [
  "attempt_started_total",
  "attempt_failed_total",
  "dial_failed_total",
  "connection_closed_total",
]) {
  const text = await registry.getSingleMetricAsString(`dialer_${metric}`);
  for (const line of text.split("\n")) if (!/^#|^$| 0$/.test(line)) console.log(line);
}

console.log("\nThe live page:");
const response = await fetch(`${live.url}json`);
const { dialers } = (await response.json()) as {
  dialers: { name: string; dials: { succeeded: number; failed: number } }[];
};
for (const { name, dials } of dialers)
  console.log(`page    ${name}: ${dials.succeeded} dials succeeded, ${dials.failed} failed`);

if (process.argv.includes("--stay")) console.log(`\n${live.url} shows the dialer; Ctrl-C ends the program`);
while (process.argv.includes("--stay")) {
  await Promise.all([queryDatabase(), redis.ping(), queryWeb()]);
  await sleep(1_000);
}

redis.disconnect();
await Promise.all([pool.end(), agent.close()]);
web.close();
web.closeAllConnections();
