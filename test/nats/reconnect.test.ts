import assert from "node:assert/strict";
import { after, test } from "node:test";
import { compose, DialError, type Dialer, tcp } from "../../src/index.ts";
import { ReconnectBufferError } from "../../src/nats.ts";
import { connecting, eager, measured, noting } from "../support/nats-client.ts";
import { startNats } from "../support/nats-server.ts";
import { freePort } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";

const connect = connecting();
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

test("the client closes with the last error after maxReconnectAttempts dials", async () => {
  await using server = await startNats();
  const { dialer, trace, counted } = measured();
  const attempts: number[] = [];
  const closedWith: unknown[] = [];
  const nc = await connect({
    servers: server.address,
    dialer,
    ...eager,
    maxReconnectAttempts: 3,
    trace: [trace, { reconnectAttempt: ({ attempt }) => attempts.push(attempt) }],
    onClosed: ({ error }) => closedWith.push(error),
  });
  await server.stop();
  await nc.closed();
  assert.deepEqual(attempts, [1, 2, 3]);
  assert.equal(closedWith.length, 1);
  assert.ok(closedWith[0] instanceof DialError);
  assert.equal(closedWith[0].reason, "refused");
  assert.deepEqual(await counted("dialer_attempt_failed_total"), ["error_type=refused → 3"]);
  assert.deepEqual(await counted("nats_client_reconnect_attempts_total"), [" → 3"]);
  assert.deepEqual(await counted("nats_client_reconnect_succeeded_total"), []);
  assert.deepEqual(await counted("nats_client_connection_status"), ["nats_client_state=closed → 1"]);
});

test("maxReconnectAttempts is counted from zero after each reconnect", async () => {
  await using server = await startNats();
  const base = compose(tcp());
  let toRefuse = 0;
  const dialer: Dialer = (target, options) => {
    toRefuse -= 1;
    return toRefuse >= 0 ? Promise.reject(new Error("refused by the test")) : base(target, options);
  };
  let back = 0;
  const nc = await connect({
    servers: server.address,
    dialer,
    ...eager,
    maxReconnectAttempts: 5,
    onReconnect: ({ attempts }) => {
      assert.equal(attempts, 5);
      back += 1;
    },
  });
  for (const round of [1, 2, 3]) {
    toRefuse = 4;
    await nc.reconnect();
    await until(() => back === round, "the client is back");
  }
  await nc.close();
});

test("no server is dialed sooner than reconnectTimeWait after its last attempt", async () => {
  await using first = await startNats();
  await using second = await startNats();
  const { dialer, dials } = noting();
  const nc = await connect({
    servers: [first.address, second.address],
    dialer,
    ...eager,
    maxReconnectAttempts: 4,
    reconnectTimeWait: 300,
  });
  await Promise.all([first.stop(), second.stop()]);
  await nc.closed();
  for (const { address } of [first, second]) {
    const times = dials.filter((each) => each.server === address).map((each) => each.at);
    assert.ok(times.length >= 4, `${times.length} dials of one server`);
    // Half, because the client counts from shortly before the dial. reconnect-delay.test.ts checks the exact delays.
    for (const [index, at] of times.slice(1).entries()) {
      assert.ok(at - (times[index] as number) >= 150, `dialed again after ${at - (times[index] as number)} ms`);
    }
  }
});

test("with reconnect: false a lost connection closes the client without another dial", async () => {
  await using server = await startNats();
  const { dialer, dials } = noting();
  const told: string[] = [];
  const nc = await connect({
    servers: server.address,
    dialer,
    reconnect: false,
    onConnect: () => told.push("connect"),
    onDisconnect: () => told.push("disconnect"),
    onReconnect: () => told.push("reconnect"),
    onClosed: () => told.push("closed"),
  });
  await server.stop();
  await nc.closed();
  assert.deepEqual(told, ["connect", "disconnect", "closed"]);
  assert.equal(dials.length, 1);
});

test("with noRandomize servers are dialed in the given order, at first and after a loss", async () => {
  const dead = [await freePort(), await freePort(), await freePort()].map((port) => `127.0.0.1:${port}`);
  await using first = await startNats();
  await using second = await startNats();
  const { dialer, dials } = noting();
  const servers = [...dead, first.address, second.address];
  let back = false;
  const nc = await connect({
    servers,
    dialer,
    noRandomize: true,
    ...eager,
    onReconnect: () => {
      back = true;
    },
  });
  assert.deepEqual(
    dials.map((each) => each.server),
    [...dead, first.address],
  );
  await first.stop();
  await until(() => back, "the client is back");
  assert.equal(nc.getServer(), second.address);
  await nc.close();
});

test("without noRandomize the order of servers differs each time", async () => {
  const dead = await Promise.all(Array.from({ length: 8 }, async () => `127.0.0.1:${await freePort()}`));
  const orders = new Set<string>();
  for (let round = 0; round < 4; round += 1) {
    const { dialer, dials } = noting();
    await assert.rejects(connect({ servers: dead, dialer }), DialError);
    assert.deepEqual(dials.map((each) => each.server).sort(), [...dead].sort(), "each once");
    orders.add(dials.map((each) => each.server).join());
  }
  assert.ok(orders.size > 1);
});

test("publish fails once reconnectBufSize bytes are buffered, and buffered messages arrive in order", async () => {
  await using server = await startNats();
  const { dialer, trace, counted } = measured();
  let lost = false;
  const limitBytes = 4096;
  const nc = await connect({
    servers: server.address,
    dialer,
    trace,
    ...eager,
    reconnectBufSize: limitBytes,
    onDisconnect: () => {
      lost = true;
    },
  });
  const received: string[] = [];
  nc.subscribe("news", { callback: (_, msg) => void received.push(msg.string()) });
  await nc.flush();
  await server.stop();
  await until(() => lost, "the loss is noticed");

  const message = (number: number) => `${String(number).padStart(4, "0")}${"x".repeat(96)}`;
  let accepted = 0;
  const fill = () => {
    for (; accepted < limitBytes; accepted += 1) nc.publish("news", message(accepted));
  };
  assert.throws(fill, (error) => error instanceof ReconnectBufferError && error.limitBytes === limitBytes);
  assert.ok(accepted * 100 <= limitBytes, `${accepted} messages of 100 bytes wait`);
  assert.ok((accepted + 1) * 120 > limitBytes, "the buffer is full, except for the protocol's overhead");
  assert.throws(() => nc.publish("news", message(accepted)), ReconnectBufferError);
  assert.deepEqual(await counted("nats_client_publish_rejected_total"), [" → 2"]);

  await server.start();
  await until(() => received.length === accepted, "all buffered messages arrive");
  assert.deepEqual(
    received,
    Array.from({ length: accepted }, (_, number) => message(number)),
  );
  nc.publish("news", "after");
  await nc.flush();
  assert.equal(received.at(-1), "after");
  assert.equal(received.length, accepted + 1);
  await nc.close();
});

test("with reconnectBufSize -1 no message is buffered", async () => {
  await using server = await startNats();
  let lost = false;
  const nc = await connect({
    servers: server.address,
    ...eager,
    reconnectBufSize: -1,
    onDisconnect: () => {
      lost = true;
    },
  });
  nc.publish("news", "up");
  await nc.flush();
  await server.stop();
  await until(() => lost, "the loss is noticed");
  assert.throws(() => nc.publish("news", "down"), ReconnectBufferError);
  await nc.close();
});
