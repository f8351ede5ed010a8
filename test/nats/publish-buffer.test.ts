import assert from "node:assert/strict";
import { after, test } from "node:test";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { type ConnectOptions, ReconnectBufferError } from "../../src/nats.ts";
import { connect } from "../support/nats-line.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";
import { setPings } from "./pings.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** A publisher whose server is down. */
async function publisher(
  server: NatsServer,
  options: ConnectOptions,
): Promise<{ nc: NatsConnection; rejected: number[] }> {
  const rejected: number[] = [];
  let lost = false;
  const nc = await connect({
    servers: server.address,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => 10,
    trace: { publishRejected: ({ limitBytes }) => rejected.push(limitBytes) },
    onDisconnect: () => {
      lost = true;
    },
    ...options,
  });
  await server.stop();
  await until(() => lost, "the loss is noticed");
  return { nc, rejected };
}

test("messages published during an outage are sent on reconnect, once and in order", async () => {
  await using server = await startNats();
  const { nc, rejected } = await publisher(server, {});
  const received: string[] = [];
  const withHeaders: string[] = [];
  nc.subscribe("news.>", {
    callback: (_, msg) => {
      received.push(msg.string());
      withHeaders.push(msg.headers?.get("k") ?? "");
    },
  });
  const payload = Buffer.from("0");
  for (let index = 0; index < 1_000; index += 1) nc.publish("news.a", String(index));
  nc.publish("news.b", payload);
  payload.write("X");
  const extra = headers();
  extra.set("k", "v");
  nc.publish("news.c", "last", { headers: extra });
  // A failed dial in between must not lose buffered messages.
  await new Promise((resolve) => setTimeout(resolve, 50));

  await server.start();
  await until(() => received.length >= 1_002, "all arrive");
  await nc.flush();
  assert.deepEqual(received, [...Array.from({ length: 1_000 }, (_, index) => String(index)), "0", "last"]);
  assert.equal(withHeaders.at(-1), "v");
  assert.equal(nc.stats().outMsgs, 1_002);
  assert.deepEqual(rejected, []);
  await nc.close();
});

test("publish throws beyond the limit, is counted, and keeps the buffered messages", async () => {
  await using server = await startNats();
  const { nc, rejected } = await publisher(server, { reconnectBufSize: 100 });
  const sent: string[] = [];
  const received: string[] = [];
  nc.subscribe("n", { callback: (_, msg) => void received.push(msg.string()) });
  const message = (index: number) => `message ${index}`;
  // "PUB n 9\r\nmessage 0\r\n" is 20 bytes: five fit.
  for (let index = 0; index < 8; index += 1) {
    try {
      nc.publish("n", message(index));
      sent.push(message(index));
    } catch (error) {
      assert.ok(error instanceof ReconnectBufferError);
      assert.equal(error.limitBytes, 100);
      assert.match(error.message, /the buffer of 100 bytes is full/);
    }
  }
  assert.equal(sent.length, 5);
  assert.deepEqual(rejected, [100, 100, 100]);
  assert.equal(nc.stats().outMsgs, 5, "what was refused was not sent");
  await server.start();
  await until(() => received.length === 5, "the messages that fitted arrive");
  assert.deepEqual(received, sent);
  nc.publish("n", "now there is a connection");
  await until(() => received.length === 6, "publishing continues");
  await nc.close();
});

for (const off of [-1, 0]) {
  test(`with reconnectBufSize ${off} no message is buffered`, async () => {
    await using server = await startNats();
    const { nc, rejected } = await publisher(server, { reconnectBufSize: off });
    assert.throws(() => nc.publish("n", "x"), /not connected, and buffering is off/);
    await assert.rejects(nc.request("n", "x", { timeout: 100 }), ReconnectBufferError);
    assert.deepEqual(rejected, [0, 0]);
    await nc.close();
  });
}

test("publishing 64 MiB during an outage uses no more memory than the limit", async () => {
  await using server = await startNats();
  const { nc, rejected } = await publisher(server, {});
  const payload = new Uint8Array(64 * 1024);
  let refused = 0;
  for (let index = 0; index < 1_024; index += 1) {
    try {
      nc.publish("n", payload);
    } catch (error) {
      assert.ok(error instanceof ReconnectBufferError);
      refused += 1;
    }
  }
  assert.equal(refused, 1_024 - 127, "127 messages of 64 KiB with their headers fit into 8 MiB");
  assert.equal(rejected.length, refused);
  await nc.close();
});

test("a message above the server's max_payload is refused during an outage", async () => {
  await using server = await startNats();
  const { nc } = await publisher(server, {});
  assert.throws(() => nc.publish("n", new Uint8Array(1024 * 1024 + 1)), /max_payload/i);
  await nc.close();
});

for (const [what, lose] of [
  ["killed", (server: NatsServer) => server.stop("SIGKILL")],
  [
    "frozen and does not answer pings",
    async (server: NatsServer, nc: NatsConnection) => {
      await server.freeze();
      setPings(nc, 20, 1);
    },
  ],
] as const) {
  test(`a message published right after the loss of a server that is ${what} is buffered`, async (t) => {
    await using server = await startNats();
    const received: string[] = [];
    const published: string[] = [];
    let losses = 0;
    let nc: NatsConnection | undefined;
    t.after(() => nc?.close());
    nc = await connect({
      servers: server.address,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: () => 10,
      timeout: 500,
      onDisconnect: () => {
        losses += 1;
        // A pause must not end the next connection.
        if (nc !== undefined) setPings(nc, 60_000, 2);
        // Some at once, and some before the client notices the loss.
        const publish = (what: string) => {
          if (published.push(`${what} ${losses}`) <= 4) nc?.publish("news", published.at(-1));
        };
        publish("at once");
        queueMicrotask(() => publish("in a microtask"));
        process.nextTick(() => publish("in a tick"));
        setImmediate(() => publish("in a turn of the event loop"));
      },
    });
    nc.subscribe("news", { callback: (_, message) => void received.push(message.string()) });
    await nc.flush();
    await lose(server, nc);
    await until(() => published.length >= 4, "the loss is reported");
    if (what === "killed") await server.start();
    else await server.thaw();
    await until(() => received.length >= 4, "the buffered messages arrive");
    assert.deepEqual(received.slice().sort(), published.slice(0, 4).sort());
  });
}
