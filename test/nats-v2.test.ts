import assert from "node:assert/strict";
import { after, test } from "node:test";
import { connect as stockConnectV3 } from "@nats-io/transport-node";
import { type NatsConnection, connect as stockConnectV2 } from "nats";
import { connect as connectV3 } from "../src/nats.ts";
import { connect, instrument, natsLog } from "../src/nats-v2.ts";
import { startNats } from "./support/nats-server.ts";
import { transportOf } from "./support/nats-transport.ts";
import { openSockets, until } from "./support/resources.ts";
import { temporaryFolder } from "./support/temporary.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

test("connect of nats-v2 resolves to a connection of nats 2.x with JetStream and key-value stores", async () => {
  await using server = await startNats(["--jetstream", "--store_dir", temporaryFolder()]);
  const nc: NatsConnection = await connect({ servers: server.address });
  const manager = await nc.jetstreamManager({ timeout: 30_000 });
  await manager.streams.add({ name: "news", subjects: ["news.>"] });
  const ack = await nc.jetstream({ timeout: 30_000 }).publish("news.a", "first");
  assert.equal(ack.seq, 1);
  const bucket = await nc.jetstream({ timeout: 30_000 }).views.kv("settings", { timeout: 30_000 });
  await bucket.put("colour", "blue");
  assert.equal((await bucket.get("colour"))?.string(), "blue");
  await nc.drain();
});

test("statuses of nats-v2 are those of nats 2.x and end with the client", async () => {
  await using server = await startNats();
  const nc = await connect({ servers: server.address, reconnectDelayHandler: () => 5 });
  const told: string[] = [];
  const ended = (async () => {
    for await (const { type, data } of nc.status()) if (type !== "update") told.push(`${type} ${data}`);
  })();
  await nc.reconnect();
  await until(() => told.length === 4, "the client is back");
  await nc.close();
  await ended;
  const { address } = server;
  assert.deepEqual(told, [
    "client initiated reconnect ",
    `disconnect ${address}`,
    `reconnecting ${address}`,
    `reconnect ${address}`,
  ]);
});

test("plain and dialed clients of both libraries keep their own transports in one process", async () => {
  await using server = await startNats();
  const options = { servers: server.address, reconnectTimeWait: 20, reconnectJitter: 0, maxReconnectAttempts: -1 };
  const clients = {
    ours: await connect(options),
    plain3: await stockConnectV3(options),
    plain2: await stockConnectV2(options),
    ours3: await connectV3(options),
  };
  const transports = () =>
    Object.fromEntries(
      Object.entries(clients).map(([name, nc]) => {
        const { transport } = (nc as unknown as { protocol: { transport: { version: string } } }).protocol;
        return [name, `${transportOf(nc)} ${transport.version.split(".", 1)[0]}`];
      }),
    );
  try {
    const back = Object.values(clients).map(async (nc) => {
      for await (const { type } of nc.status()) if (type === "reconnect") break;
    });
    await server.stop();
    await server.start();
    await Promise.all(back);
    assert.deepEqual(transports(), {
      ours: "dialed NodeTransport 2",
      plain3: "NodeTransport 3",
      plain2: "NodeTransport 2",
      ours3: "dialed NodeTransport 3",
    });
  } finally {
    await Promise.all(Object.values(clients).map((nc) => nc.close()));
  }
});

test("observers work with connections of nats 2.x, dialed or plain", async () => {
  await using server = await startNats(["--name", "n1"]);
  const { address } = server;
  const lines: string[] = [];
  const logger = { info: (line: string) => lines.push(line), warn: (line: string) => lines.push(line) };
  const ours = await connect({ servers: address, name: "ours", trace: natsLog(logger) });
  const version = ours.info?.version;
  await ours.close();
  const plain = await stockConnectV2({ servers: address, name: "plain" });
  instrument(plain, { trace: natsLog(logger) });
  await plain.close();
  await until(() => lines.length === 5, "every event is logged");
  assert.deepEqual(lines, [
    `NATS client "ours" connected to ${address} (n1 ${version})`,
    `NATS client "ours" left ${address}: local`,
    'NATS client "ours" is closed',
    `NATS client "plain" left ${address}: local`,
    'NATS client "plain" is closed',
  ]);
});
