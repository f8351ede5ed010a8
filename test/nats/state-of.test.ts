import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DialError } from "../../src/index.ts";
import * as v3 from "../../src/nats.ts";
import * as v2 from "../../src/nats-v2.ts";
import { deniedConfig } from "../support/nats-auth.ts";
import { connecting } from "../support/nats-client.ts";
import { isV2, stockConnect } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { recordingPeer } from "../support/recording-peer.ts";
import { openSockets, until } from "../support/resources.ts";

const connect = connecting();
const { stateOf } = isV2 ? v2 : v3;
after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const worker = { user: "worker", pass: "work" };
const fast = { reconnectDelayHandler: () => 5, maxReconnectAttempts: -1 };

test("stateOf returns state, server and last error of a client of this package at each stage", async () => {
  await using server = await startNats();
  const nc = await connect({ servers: server.address, ...fast });
  const up = { state: "connected", connected: true, server: server.address, lastError: undefined };
  assert.deepEqual(stateOf(nc), up);
  await server.stop();
  await until(() => stateOf(nc).state === "reconnecting", "the loss is noticed");
  await until(() => String(stateOf(nc).lastError).includes("ECONNREFUSED"), "a failed attempt is seen");
  const down = stateOf(nc);
  assert.deepEqual([down.connected, down.server], [false, undefined]);
  assert.ok(down.lastError instanceof DialError);
  await server.start();
  await until(() => stateOf(nc).connected, "the client is back");
  await nc.flush();
  assert.deepEqual(stateOf(nc), up);
  await nc.close();
  assert.deepEqual(stateOf(nc), { state: "closed", connected: false, server: undefined, lastError: undefined });
});

test("stateOf has the loss as the last error, until an attempt fails", async () => {
  await using server = await startNats();
  const nc = await connect({ servers: server.address, reconnectDelayHandler: () => 60_000 });
  await server.stop();
  await until(() => stateOf(nc).state === "reconnecting", "the loss is noticed");
  assert.match(String(stateOf(nc).lastError), /lost: remote|ECONNRESET/);
});

test("stateOf has the error that a server reported, and the error that made a client give up", async () => {
  await using server = await startNats([], deniedConfig);
  const nc = await connect({ servers: server.address, ...worker, ...fast, maxReconnectAttempts: 1 });
  nc.publish("secret.plan");
  await nc.flush();
  assert.match(String(stateOf(nc).lastError), /permission/i);
  assert.equal(stateOf(nc).state, "connected");
  await server.stop();
  const error = await nc.closed();
  assert.deepEqual(stateOf(nc), { state: "closed", connected: false, server: undefined, lastError: error });
});

test("stateOf works with a connection of the client's own connect", async () => {
  await using server = await startNats();
  const nc = await stockConnect({ servers: server.address, reconnectTimeWait: 20, maxReconnectAttempts: -1 });
  assert.deepEqual(stateOf(nc), { state: "connected", connected: true, server: server.address, lastError: undefined });
  await server.stop();
  await until(() => stateOf(nc).state === "reconnecting", "the loss is noticed");
  assert.deepEqual([stateOf(nc).connected, stateOf(nc).server], [false, undefined]);
  await server.start();
  await until(() => stateOf(nc).connected, "the client is back");
  const drained = nc.drain();
  assert.equal(stateOf(nc).state, "draining");
  await drained;
  assert.equal(stateOf(nc).state, "closed");
});

test("stateOf refuses a value that is not a NATS connection", () => {
  for (const bad of [undefined, null, {}, 5, "nats://a:4222"]) {
    assert.throws(() => stateOf(bad as never), {
      name: "TypeError",
      message: /^stateOf: nc must be a NATS connection/,
    });
  }
});

/** Returns how a client with reconnect: false ends after `end`. */
async function closedBy(
  end: (server: Awaited<ReturnType<typeof startNats>>) => unknown,
  options: v3.ConnectOptions = {},
) {
  await using server = await startNats();
  const told: unknown[] = [];
  const nc = await connect({
    servers: server.address,
    reconnect: false,
    ...options,
    onClosed: (info) => told.push(info.error),
  });
  await end(server);
  const error = await nc.closed();
  assert.equal(told.length, 1);
  // As in the client itself: a server that closes the connection gracefully leaves no error.
  assert.ok(error === undefined || error === told[0], String(error));
  return told[0];
}

test("with reconnect: false onClosed has the error of the loss", async () => {
  assert.match(String(await closedBy((server) => server.stop())), /lost: remote|ECONNRESET/);
  assert.match(String(await closedBy((server) => server.stop("SIGTERM"))), /lost: remote|ECONNRESET/);
});

test("with reconnect: false onClosed reports a server that answers no ping", async () => {
  const error = await closedBy((server) => server.freeze(), { pingInterval: 20, maxPingOut: 1 });
  assert.match(String(error), /lost: stale/);
});

test("with reconnect: false a close by the user is not an error", async () => {
  for (const end of ["close", "drain", "reconnect"] as const) {
    await using server = await startNats([], deniedConfig);
    const told: unknown[] = [];
    const nc = await connect({
      servers: server.address,
      ...worker,
      reconnect: false,
      onClosed: (info) => told.push(info.error),
    });
    nc.publish("secret.plan");
    await nc.flush();
    await nc[end]();
    assert.equal(await nc.closed(), undefined, end);
    assert.deepEqual(told, [undefined], end);
  }
});

test("onClosed reports a server that is lost during a drain", async () => {
  let unanswered = false;
  await using server = await recordingPeer();
  const told: unknown[] = [];
  const nc = await connect({ servers: server.address, onClosed: ({ error }) => told.push(error) });
  for (const socket of server.open) {
    socket.removeAllListeners("data");
    socket.on("data", () => {
      unanswered = true;
    });
  }
  const draining = nc.drain();
  await until(() => unanswered, "the drain waits for an answer");
  server.hangUp();
  await nc.closed();
  assert.match(told.join(), /lost: remote/);
  await assert.rejects(draining);
});
