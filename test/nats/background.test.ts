import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DialError } from "../../src/index.ts";
import { connect } from "../support/nats-line.ts";
import { natsServer, startNats } from "../support/nats-server.ts";
import { freePort } from "../support/peers.ts";
import { openSockets, openTimers, until } from "../support/resources.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const quick = { reconnectDelayHandler: () => 10 };

test("connectInBackground resolves at once to a handle with the client's state", async () => {
  await using server = await natsServer();
  const client = await connect({ servers: server.address, connectInBackground: true, ...quick });
  assert.equal(client.state, "connecting");
  assert.equal(client.isConnected, false);
  assert.equal(client.connection, undefined);

  await server.start();
  const nc = await client.ready;
  await nc.flush();
  assert.equal(client.state, "connected");
  assert.equal(client.isConnected, true);
  assert.equal(client.connection, nc);

  await server.stop();
  await until(() => client.state === "reconnecting", "the loss is noticed");
  assert.equal(client.isConnected, false);
  await server.start();
  await until(() => client.isConnected, "the client is back");
  await client.close();
  assert.equal(client.state, "closed");
  assert.equal(nc.isClosed(), true);
});

test("ready rejects if the first connect fails, and may be ignored", async () => {
  const servers = `127.0.0.1:${await freePort()}`;
  const client = await connect({ servers, connectInBackground: true, retryOnFailedConnect: false });
  await until(() => client.state === "closed", "the client has given up");
  await assert.rejects(client.ready, (error) => error instanceof DialError && error.reason === "refused");
});

test("close of the handle ends the first connect and leaves nothing behind", async () => {
  const timers = openTimers();
  const servers = `127.0.0.1:${await freePort()}`;
  const client = await connect({ servers, connectInBackground: true, reconnectDelayHandler: () => 60_000 });
  await client.close();
  await assert.rejects(client.ready, { name: "AbortError" });
  assert.equal(client.state, "closed");
  assert.equal(openTimers(), timers);
});

test("an aborted signal closes a background client, and ready rejects with its reason", async () => {
  const reason = new Error("shutting down");
  const client = await connect({ connectInBackground: true, signal: AbortSignal.abort(reason) });
  await assert.rejects(client.ready, (error) => error === reason);
  assert.equal(client.state, "closed");
});

test("invalid options reject at once with connectInBackground", async () => {
  await assert.rejects(connect({ connectInBackground: true, reconnectBufSize: 1.5 }), RangeError);
});

test("retryOnFailedConnect continues until a server is up", async () => {
  await using server = await natsServer();
  const waits: number[] = [];
  const connected = connect({
    servers: server.address,
    retryOnFailedConnect: true,
    reconnectDelayHandler: (attempt, error) => {
      assert.ok(error instanceof DialError);
      waits.push(attempt);
      return 10;
    },
  });
  await until(() => waits.length >= 3, "it continues its attempts");
  await server.start();
  const nc = await connected;
  assert.deepEqual(waits.slice(0, 3), [1, 2, 3]);
  await nc.close();
});

test("connectDeadlineMs ends a background connect during a delay", async () => {
  const timers = openTimers();
  await assert.rejects(
    connect({
      servers: `127.0.0.1:${await freePort()}`,
      retryOnFailedConnect: true,
      reconnectDelayHandler: () => 60_000,
      connectDeadlineMs: 50,
    }),
    { name: "DialTimeoutError", timeoutMs: 50 },
  );
  assert.equal(openTimers(), timers);
});

test("await using closes the handle of a background client", async () => {
  await using server = await startNats();
  let state = "";
  {
    await using client = await connect({ servers: server.address, connectInBackground: true });
    await client.ready;
    state = client.state;
  }
  assert.equal(state, "connected");
  await until(() => openSockets() === 0, "its socket is closed");
});
