/** Clients without an injection point reach real servers through bridges and proxy servers. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { connect as connectAmqp } from "amqplib";
import memjs from "memjs";
import { MongoClient } from "mongodb";
import { createClient } from "redis";
import { ProxyAgent, request } from "undici";
import { type BridgeErrorInfo, bridge, proxyServer } from "../../src/bridge.ts";
import { compose, type Dialer, tcp, withRetry, withTrace } from "../../src/index.ts";
import { until } from "../support/resources.ts";
import { startMemcached } from "../support/servers/memcached.ts";
import { startRabbitmq } from "../support/servers/rabbitmq.ts";
import { startRedis } from "../support/servers/redis.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { mongoPeer } from "./mongo-peer.ts";

/** Counts the dials beneath it by outcome. */
function counting() {
  const outcomes: string[] = [];
  return { outcomes, layer: withTrace({ dialDone: ({ outcome, reason }) => void outcomes.push(reason ?? outcome) }) };
}

/** Dials `address` for any name, and records the names. */
function named(address: string) {
  const names: string[] = [];
  const dial = compose(tcp());
  const dialer: Dialer = (target, options) => {
    names.push(String(target));
    return dial(address, options);
  };
  return { names, dialer };
}

const socketPath = () => join(temporaryFolder(), "client.sock");

test("node-redis works through a bridge, reconnects through it, and its user sees why a dial failed", async () => {
  const { layer, outcomes } = counting();
  const reported: BridgeErrorInfo[] = [];
  const redis = await startRedis();
  await using server = await bridge({
    dialer: compose(layer, tcp()),
    target: redis.address,
    onError: (_error, info) => reported.push(info),
  }).listen({ path: socketPath() });
  const client = createClient({
    socket: { path: server.path ?? "", tls: false, reconnectStrategy: () => 20 },
  });
  client.on("error", () => {});
  await client.connect();
  await client.set("key", "value");
  assert.equal(await client.get("key"), "value");

  await redis.stop();
  // A connect while the server ends may be reset.
  await until(() => reported.some(({ reason }) => reason === "refused"), "a reconnect has been refused");
  await using restarted = await startRedis(undefined, redis.port);
  assert.equal(await client.ping(), "PONG");
  assert.equal(restarted.port, redis.port);
  client.destroy();
  assert.equal(outcomes[0], "success");
  assert.equal(outcomes.at(-1), "success");
  await until(() => server.connections === 0, "no connection is left");
});

test("a retry of the bridge's dialer hides a restart from node-redis while it connects", async () => {
  const redis = await startRedis();
  await redis.stop();
  const dialer = compose(withRetry({ maxAttempts: 1000, initialBackoffMs: 10, maxBackoffMs: 50 }), tcp());
  await using server = await bridge({ dialer, target: redis.address }).listen({ path: socketPath() });
  const client = createClient({ socket: { path: server.path ?? "", tls: false, reconnectStrategy: false } });
  client.on("error", () => {});
  const connected = client.connect();
  await until(() => server.connections === 1, "the client waits for the dial");
  await using _restarted = await startRedis(undefined, redis.port);
  await connected;
  assert.equal(await client.ping(), "PONG");
  client.destroy();
});

test("amqplib publishes and reads through a bridge over a unix socket", async () => {
  await using rabbitmq = await startRabbitmq();
  const { layer, outcomes } = counting();
  await using server = await bridge({ dialer: compose(layer, tcp()), target: rabbitmq.address }).listen({
    path: socketPath(),
  });
  const connection = await connectAmqp("amqp://guest:guest@localhost", { path: server.path });
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  channel.sendToQueue(queue, Buffer.from("hello"));
  let message = await channel.get(queue);
  while (message === false) message = await channel.get(queue);
  assert.equal(String(message.content), "hello");
  await connection.close();
  assert.deepEqual(outcomes, ["success"]);
  await until(() => server.connections === 0, "no connection is left");
});

test("memjs stores and reads through a bridge", async () => {
  await using memcached = await startMemcached();
  await using server = await bridge({ dialer: tcp(), target: memcached.address }).listen();
  const client = memjs.Client.create(server.address, { timeout: 30, conntimeout: 30 });
  await client.set("key", "value", { expires: 60 });
  const { value } = await client.get("key");
  assert.equal(String(value), "value");
  client.close();
  await until(() => server.connections === 0, "no connection is left");
});

test("mongodb reaches its server through the proxy server, and its name stays unresolved", async () => {
  await using mongo = await mongoPeer();
  const { dialer, names } = named(mongo.address);
  await using proxy = await proxyServer({ dialer, auth: { username: "app", password: "secret" } }).listen();
  const client = new MongoClient("mongodb://db.example.internal:27017/?directConnection=true", {
    proxyHost: proxy.host,
    proxyPort: proxy.port,
    proxyUsername: "app",
    proxyPassword: "secret",
    serverSelectionTimeoutMS: 30_000,
  });
  await client.connect();
  assert.equal((await client.db("test").command({ ping: 1 })).ok, 1);
  await client.close();
  assert.ok(names.length > 0);
  assert.deepEqual([...new Set(names)], ["db.example.internal:27017"]);
  await until(() => proxy.connections === 0, "no connection is left");
});

const method = "/test.Echo/Say";
const same = (value: Buffer) => value;

async function grpcServer() {
  const server = new Server();
  const say = { path: method, requestStream: false, responseStream: false } as const;
  server.addService(
    {
      say: {
        ...say,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    { say: (call: { request: Buffer }, reply: (error: null, value: Buffer) => void) => reply(null, call.request) },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { address: `127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

function say(client: Client, text: string): Promise<string> {
  return new Promise((resolve, reject) =>
    client.makeUnaryRequest(method, same, same, Buffer.from(text), { deadline: Date.now() + 30_000 }, (error, value) =>
      error ? reject(error) : resolve(String(value)),
    ),
  );
}

test("grpc-js calls through a bridge over a unix socket", async () => {
  await using target = await grpcServer();
  await using server = await bridge({ dialer: tcp(), target: target.address }).listen({ path: socketPath() });
  const client = new Client(server.address, credentials.createInsecure());
  assert.equal(await say(client, "hello"), "hello");
  client.close();
  await until(() => server.connections === 0, "no connection is left");
});

test("grpc-js calls through the proxy server by its variable grpc_proxy, and names stay unresolved", async () => {
  await using target = await grpcServer();
  const { dialer, names } = named(target.address);
  await using proxy = await proxyServer({ dialer }).listen();
  process.env.grpc_proxy = `http://${proxy.address}`;
  try {
    const client = new Client("echo.example.internal:50051", credentials.createInsecure());
    assert.equal(await say(client, "hello"), "hello");
    client.close();
    assert.deepEqual(names, ["echo.example.internal:50051"]);
  } finally {
    delete process.env.grpc_proxy;
  }
});

async function webServer() {
  const server = createServer((_request, response) => response.end("hello")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.close();
    server.closeAllConnections();
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: close };
}

test("undici requests through the proxy server with CONNECT and credentials", async () => {
  await using web = await webServer();
  const { dialer, names } = named(web.address);
  await using proxy = await proxyServer({ dialer, auth: { username: "app", password: "secret" } }).listen();
  const token = `Basic ${Buffer.from("app:secret").toString("base64")}`;
  const dispatcher = new ProxyAgent({ uri: `http://${proxy.address}`, token, proxyTunnel: true });
  const { body } = await request("http://web.example.internal/", { dispatcher });
  assert.equal(await body.text(), "hello");
  assert.deepEqual(names, ["web.example.internal:80"]);
  await dispatcher.close();
  const stranger = new ProxyAgent({ uri: `http://${proxy.address}`, proxyTunnel: true });
  await assert.rejects(request("http://web.example.internal/", { dispatcher: stranger }), /407/);
  await stranger.destroy();
});

const curl = promisify(execFile);

test("curl requests through the proxy server with SOCKS5 and with CONNECT", async () => {
  await using web = await webServer();
  const { dialer, names } = named(web.address);
  await using proxy = await proxyServer({ dialer, auth: { username: "app", password: "secret" } }).listen();
  for (const through of ["--socks5-hostname", "--proxytunnel --proxy"]) {
    const args = [...through.split(" "), proxy.address, "--proxy-user", "app:secret"];
    const { stdout } = await curl("curl", ["--silent", "--noproxy", "", ...args, "http://web.example.internal/"]);
    assert.equal(stdout, "hello");
  }
  assert.deepEqual(names, ["web.example.internal:80", "web.example.internal:80"]);
});

test("curl prints the reason why a dial through the proxy server failed", async () => {
  await using proxy = await proxyServer({ dialer: tcp() }).listen();
  const args = ["--silent", "--show-error", "--verbose", "--noproxy", "", "--proxytunnel", "--proxy", proxy.address];
  const failure = await curl("curl", [...args, "http://127.0.0.1:1/"]).then(
    () => assert.fail("curl succeeded"),
    (error: { stderr: string }) => error.stderr,
  );
  assert.match(failure, /HTTP\/1\.1 502 Bad Gateway/);
  assert.match(failure, /Proxy-Status: dialtrace; details="refused"/);
});
