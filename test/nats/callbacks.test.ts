import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { ConnectOptions } from "../../src/nats.ts";
import { connect } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { freePort } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

function diary(): { lines: string[]; callbacks: ConnectOptions } {
  const lines: string[] = [];
  return {
    lines,
    callbacks: {
      onConnect: ({ server, identity }) => lines.push(`connect ${server} ${identity.name}`),
      onDisconnect: ({ server, reason }) => lines.push(`disconnect ${server} ${reason}`),
      onReconnect: ({ server, attempts }) => lines.push(`reconnect ${server} ${attempts > 0}`),
      onClosed: ({ error }) => lines.push(`closed ${error instanceof Error ? error.name : error}`),
      onDiscoveredServers: ({ added }) => lines.push(`discovered ${added}`),
      onLameDuck: ({ server }) => lines.push(`lame duck ${server}`),
      onError: ({ kind }) => lines.push(`error ${kind}`),
    },
  };
}

test("the callbacks are called once per event, in order", async () => {
  await using server = await startNats(["--name", "one"]);
  const { lines, callbacks } = diary();
  const nc = await connect({ servers: server.address, reconnectDelayHandler: () => 5, ...callbacks });
  await nc.reconnect();
  await until(() => lines.length === 3, "the client is back");
  await nc.close();
  assert.deepEqual(lines, [
    `connect ${server.address} one`,
    `disconnect ${server.address} forced`,
    `reconnect ${server.address} true`,
    `disconnect ${server.address} local`,
    "closed undefined",
  ]);
});

test("onClosed has the last error of a client that gives up", async () => {
  await using server = await startNats();
  const { lines, callbacks } = diary();
  const nc = await connect({
    servers: server.address,
    maxReconnectAttempts: 2,
    reconnectDelayHandler: () => 5,
    ...callbacks,
  });
  await server.stop();
  await nc.closed();
  assert.deepEqual(lines.slice(2), ["closed DialError"]);
});

test("onLameDuck is called once, and the loss has the reason lame_duck", async () => {
  // By default the server would wait 10 s before closing connections.
  await using server = await startNats([], 'lame_duck_duration: "30s"\nlame_duck_grace_period: "10ms"\n');
  const { lines, callbacks } = diary();
  const nc = await connect({ servers: server.address, reconnectDelayHandler: () => 5, ...callbacks });
  server.signal("SIGUSR2");
  await until(() => lines.some((line) => line.startsWith("disconnect")), "the connection is lost");
  assert.deepEqual(lines.slice(1, 3), [`lame duck ${server.address}`, `disconnect ${server.address} lame_duck`]);
  await nc.close();
});

test("onClosed is called if the first connect fails", async () => {
  const { lines, callbacks } = diary();
  await assert.rejects(connect({ servers: `127.0.0.1:${await freePort()}`, ...callbacks }));
  assert.deepEqual(lines, ["closed DialError"]);
});

test("a callback that throws or rejects does not affect the client", async () => {
  await using server = await startNats();
  const nc = await connect({
    servers: server.address,
    onConnect: () => {
      throw new Error("broken");
    },
    onDisconnect: async () => {
      throw new Error("broken, too");
    },
  });
  await nc.flush();
  await nc.close();
});

test("the client's state is updated before a callback is called", async () => {
  await using server = await startNats();
  const states: string[] = [];
  let state = "";
  const nc = await connect({
    servers: server.address,
    reconnectDelayHandler: () => 5,
    trace: {
      stateChange: (info) => {
        state = info.state;
      },
    },
    onConnect: () => states.push(state),
    onDisconnect: () => states.push(state),
    onReconnect: () => states.push(state),
    onClosed: () => states.push(state),
  });
  await nc.reconnect();
  await until(() => states.length === 3, "the client is back");
  await nc.close();
  assert.deepEqual(states, ["connected", "reconnecting", "connected", "connected", "closed"]);
});
