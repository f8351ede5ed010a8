import assert from "node:assert/strict";
import { after, test } from "node:test";
import { connect, errorName } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { openSockets, openTimers, until } from "../support/resources.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

test("drain handles received messages, sends published ones, then closes", async () => {
  await using server = await startNats();
  const nc = await connect({ servers: server.address });
  const other = await connect({ servers: server.address });
  const received: string[] = [];
  const sub = nc.subscribe("in");
  const handled = (async () => {
    for await (const msg of sub) received.push(msg.string());
  })();
  const outside: string[] = [];
  other.subscribe("out", { callback: (_, msg) => void outside.push(msg.string()) });
  await other.flush();
  await nc.flush();
  for (let index = 0; index < 100; index += 1) other.publish("in", String(index));
  await other.flush();
  nc.publish("out", "last words");
  await nc.drain();
  await handled;
  assert.equal(received.length, 100);
  await until(() => outside.length === 1, "the published messages are sent");
  assert.equal(nc.isClosed(), true);
  await other.close();
});

test("a drain whose connection is lost rejects and closes the client", async () => {
  await using server = await startNats();
  const states: string[] = [];
  const nc = await connect({
    servers: server.address,
    reconnectDelayHandler: () => 1,
    trace: { stateChange: ({ state }) => states.push(state) },
  });
  nc.subscribe("n");
  await nc.flush();
  await server.freeze();
  const timers = openTimers();
  const drained = assert.rejects(nc.drain(), /connection disconnected|closed connection/);
  await server.stop();
  await drained;
  await nc.closed();
  assert.deepEqual(states, ["connecting", "connected", "draining", "closed"]);
  assert.ok(openTimers() <= timers);
});

test("a drain without a connection rejects and closes the client", async () => {
  await using server = await startNats();
  let lost = false;
  const nc = await connect({
    servers: server.address,
    reconnectDelayHandler: () => 60_000,
    onDisconnect: () => {
      lost = true;
    },
  });
  await server.stop();
  await until(() => lost, "the connection is lost");
  await assert.rejects(nc.drain(), /there was no connection, so the client was closed/);
  assert.equal(nc.isClosed(), true);
});

test("a pending flush rejects when the client closes", async () => {
  await using server = await startNats();
  const nc = await connect({ servers: server.address });
  await server.freeze();
  const flushed = nc.flush();
  await nc.close();
  await assert.rejects(flushed);
  await assert.rejects(nc.flush(), (error) => errorName(error) === "ClosedConnectionError");
});

test("a forced reconnect does not hang if the server reads nothing", async () => {
  await using server = await startNats();
  const lost: string[] = [];
  const nc = await connect({
    servers: server.address,
    reconnectDelayHandler: () => 1,
    onDisconnect: ({ reason }) => lost.push(reason),
  });
  await server.freeze();
  // More than the kernel's buffers hold.
  const payload = new Uint8Array(512 * 1024);
  for (let index = 0; index < 40; index += 1) nc.publish("n", payload);
  await nc.reconnect();
  await until(() => lost.length === 1, "the connection is given up");
  assert.deepEqual(lost, ["forced"]);
  await nc.close();
});
