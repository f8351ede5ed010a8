import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { test } from "node:test";
import { connect, headers, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { smallNatsServer } from "../../examples/demo/small-nats-server.ts";
import { freePort } from "../support/peers.ts";
import { until } from "../support/resources.ts";

async function started() {
  const server = smallNatsServer(await freePort());
  await server.start();
  return server;
}

/** Subscribes and collects messages. Resolves when the server has the subscription. */
async function listen(nc: NatsConnection, subject: string, options: { queue?: string; max?: number } = {}) {
  const heard: Msg[] = [];
  nc.subscribe(subject, { ...options, callback: (error, message) => void (error ?? heard.push(message)) });
  await nc.flush();
  return heard;
}

const texts = (messages: readonly Msg[]) => messages.map((message) => message.string());

test("the small NATS server delivers messages in order to every subscriber", async () => {
  await using server = await started();
  await using one = await connect({ servers: server.address });
  await using other = await connect({ servers: server.address });
  const heard = [await listen(one, "greet"), await listen(one, "greet"), await listen(other, "greet")];
  for (const text of ["a", "", "b\r\nc"]) other.publish("greet", text);
  other.publish("elsewhere", "d");
  await other.flush();
  await one.flush();
  for (const messages of heard) assert.deepEqual(texts(messages), ["a", "", "b\r\nc"]);
});

test("the small NATS server matches * to one token and a final > to one or more", async () => {
  await using server = await started();
  await using nc = await connect({ servers: server.address });
  const heard = new Map<string, Msg[]>();
  for (const pattern of ["a.*", "a.>", "*.b", ">", "a.*.c"]) heard.set(pattern, await listen(nc, pattern));
  for (const subject of ["a", "a.b", "a.b.c"]) nc.publish(subject);
  await nc.flush();
  const subjects = Object.fromEntries(
    [...heard].map(([pattern, messages]) => [pattern, messages.map(({ subject }) => subject)]),
  );
  assert.deepEqual(subjects, {
    "a.*": ["a.b"],
    "a.>": ["a.b", "a.b.c"],
    "*.b": ["a.b"],
    ">": ["a", "a.b", "a.b.c"],
    "a.*.c": ["a.b.c"],
  });
});

test("the small NATS server delivers each message to one member of a queue group", async () => {
  await using server = await started();
  await using nc = await connect({ servers: server.address });
  const members = [await listen(nc, "work", { queue: "q" }), await listen(nc, "work", { queue: "q" })];
  const all = await listen(nc, "work");
  for (let count = 0; count < 64; count += 1) nc.publish("work", String(count));
  await nc.flush();
  assert.equal(all.length, 64);
  assert.equal(members.flat().length, 64);
  assert.ok(
    members.every(({ length }) => length > 0),
    "both members receive messages",
  );
});

test("the small NATS server routes requests and replies with headers, and fails requests without responders", async () => {
  await using server = await started();
  await using nc = await connect({ servers: server.address });
  nc.subscribe("double", {
    callback: (_error, message) => {
      const reply = headers();
      reply.set("unit", message.headers?.get("unit") ?? "none");
      message.respond(String(Number(message.string()) * 2), { headers: reply });
    },
  });
  const given = headers();
  given.set("unit", "ms");
  const answer = await nc.request("double", "21", { headers: given, timeout: 30_000 });
  assert.equal(answer.string(), "42");
  assert.equal(answer.headers?.get("unit"), "ms");
  await assert.rejects(nc.request("unserved", "", { timeout: 30_000 }), /no responders/);
});

test("the small NATS server ends a subscription on UNSUB, immediately or after a number of messages", async () => {
  await using server = await started();
  await using nc = await connect({ servers: server.address });
  const two = await listen(nc, "count", { max: 2 });
  const heard: Msg[] = [];
  const subscription = nc.subscribe("count", { callback: (_error, message) => void heard.push(message) });
  nc.publish("count", "1");
  nc.publish("count", "2");
  await nc.flush();
  subscription.unsubscribe();
  nc.publish("count", "3");
  await nc.flush();
  assert.deepEqual(
    [texts(two), texts(heard)],
    [
      ["1", "2"],
      ["1", "2"],
    ],
  );
});

test("the small NATS server does not echo messages to a client with noEcho", async () => {
  await using server = await started();
  await using quiet = await connect({ servers: server.address, noEcho: true });
  await using other = await connect({ servers: server.address });
  const heard = await listen(quiet, "greet");
  quiet.publish("greet", "mine");
  await quiet.flush();
  other.publish("greet", "theirs");
  await other.flush();
  await quiet.flush();
  assert.deepEqual(texts(heard), ["theirs"]);
  await assert.rejects(quiet.request("unserved", "", { timeout: 30_000 }), /no responders/);
});

test("the small NATS server closes its connections when stopped and restarts on the same port", async () => {
  await using server = await started();
  await using nc = await connect({ servers: server.address, reconnectTimeWait: 20, maxReconnectAttempts: -1 });
  const seen: string[] = [];
  void (async () => {
    for await (const { type } of nc.status()) seen.push(type);
  })();
  const heard = await listen(nc, "greet");
  await server.stop();
  await server.stop();
  await until(() => seen.includes("disconnect"), "the client to be disconnected");
  await server.start();
  await until(() => seen.includes("reconnect"), "the client to reconnect");
  nc.publish("greet", "again");
  await nc.flush();
  assert.deepEqual(texts(heard), ["again"]);
});

test("the small NATS server parses commands that arrive byte by byte", async () => {
  await using server = await started();
  const { socket, said } = await speak(server.address);
  const bytes =
    'CONNECT {"verbose":true}\r\nSUB a 1\r\nHPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\nPUB a 2\r\nyo\r\nPING\r\n';
  for (const byte of bytes) {
    socket.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => said().includes("PONG"), "PONG");
  const msgs = "HMSG a 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n+OK\r\nMSG a 1 2\r\nyo\r\n+OK\r\nPONG\r\n";
  assert.equal(said(), `+OK\r\n+OK\r\n${msgs}`);
  socket.destroy();
});

for (const [bytes, answer] of [
  ["GET / HTTP/1.1\r\n", "Unknown Protocol Operation"],
  ["CONNECT gibberish\r\n", "Unknown Protocol Operation"],
  ["PUB a\r\n", "Parser Error"],
  ["PUB a -1\r\n", "Parser Error"],
  ["HPUB a 3 2\r\nhi\r\n", "Parser Error"],
  ["SUB a\r\n", "Parser Error"],
  ["PUB a 99999999\r\n", "Maximum Payload Violation"],
  ["x".repeat(5000), "Maximum Control Line Exceeded"],
] as const) {
  test(`the small NATS server answers ${JSON.stringify(bytes.slice(0, 20))} with ${answer} and closes the connection`, async () => {
    await using server = await started();
    const { socket, said } = await speak(server.address);
    socket.write(bytes);
    await once(socket, "close");
    assert.equal(said(), `-ERR '${answer}'\r\n`);
  });
}

/** Opens a raw connection and reads the server's INFO. */
async function speak(address: string): Promise<{ socket: Socket; said: () => string }> {
  const socket = connectSocket(Number(address.split(":")[1]), "127.0.0.1");
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  await until(() => text.includes("\r\n"), "INFO");
  const info = text.indexOf("\r\n") + 2;
  return { socket, said: () => text.slice(info) };
}
