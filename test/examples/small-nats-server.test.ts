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

/** Subscribes and collects; the subscription is known to the server when this returns. */
async function listen(nc: NatsConnection, subject: string, options: { queue?: string; max?: number } = {}) {
  const heard: Msg[] = [];
  nc.subscribe(subject, { ...options, callback: (error, message) => void (error ?? heard.push(message)) });
  await nc.flush();
  return heard;
}

const texts = (messages: readonly Msg[]) => messages.map((message) => message.string());

test("the small server delivers what is published, in order, and to every subscriber", async () => {
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

test("wildcards: a star stands for one token, an arrow for one or more at the end", async () => {
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

test("a queue group gets each message once", async () => {
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
    "both take part",
  );
});

test("requests are answered, with headers; without anybody to answer they fail at once", async () => {
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
  const answer = await nc.request("double", "21", { headers: given, timeout: 5000 });
  assert.equal(answer.string(), "42");
  assert.equal(answer.headers?.get("unit"), "ms");
  await assert.rejects(nc.request("nobody", "", { timeout: 5000 }), /no responders/);
});

test("a subscription ends when it is unsubscribed, at once or after so many messages", async () => {
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

test("a client that wants no echo hears others only", async () => {
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
  await assert.rejects(quiet.request("nobody", "", { timeout: 5000 }), /no responders/);
});

test("taken down it hangs up, and brought back it is on the same port", async () => {
  await using server = await started();
  await using nc = await connect({ servers: server.address, reconnectTimeWait: 20, maxReconnectAttempts: -1 });
  const seen: string[] = [];
  void (async () => {
    for await (const { type } of nc.status()) seen.push(type);
  })();
  const heard = await listen(nc, "greet");
  await server.stop();
  await server.stop();
  await until(() => seen.includes("disconnect"), "the client to see it");
  await server.start();
  await until(() => seen.includes("reconnect"), "the client to come back");
  nc.publish("greet", "again");
  await nc.flush();
  assert.deepEqual(texts(heard), ["again"]);
});

test("commands may come in any pieces", async () => {
  await using server = await started();
  const { socket, said } = await speak(server.address);
  const bytes =
    'CONNECT {"verbose":true}\r\nSUB a 1\r\nHPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\nPUB a 2\r\nyo\r\nPING\r\n';
  for (const byte of bytes) {
    socket.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => said().includes("PONG"), "the answer");
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
  test(`to ${JSON.stringify(bytes.slice(0, 20))} it says ${answer}, and hangs up`, async () => {
    await using server = await started();
    const { socket, said } = await speak(server.address);
    socket.write(bytes);
    await once(socket, "close");
    assert.equal(said(), `-ERR '${answer}'\r\n`);
  });
}

/** A client by hand, past the server's INFO. */
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
