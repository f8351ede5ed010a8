import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import type { ClientCloseInfo, DisconnectInfo } from "../../src/client/client-trace.ts";
import { compose, type Middleware, tcp } from "../../src/index.ts";
import { instrument, stateOf } from "../../src/nats.ts";
import { type CuttingProxy, cuts, cuttingProxy } from "../support/cutting-proxy.ts";
import { connecting, eager, measured } from "../support/nats-client.ts";
import { connect, stockConnect } from "../support/nats-line.ts";
import { natsPeer } from "../support/nats-peer.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { seededRandom } from "../support/random.ts";
import { openSockets, until } from "../support/resources.ts";

const seeds = Array.from({ length: 20 }, (_, index) => index + 1);

let server: NatsServer;
before(async () => {
  server = await startNats();
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await until(() => openSockets() === 0, "no test may leave a socket open");
});

const connected = connecting();

/** Records the ends of connections and of the client. */
function ends() {
  const disconnects: DisconnectInfo[] = [];
  const closes: ClientCloseInfo[] = [];
  const options = {
    onDisconnect: (info: DisconnectInfo) => void disconnects.push(info),
    onClosed: (info: ClientCloseInfo) => void closes.push(info),
  };
  const numbers = () => ({
    unconfirmed: disconnects.map((each) => each.unconfirmed),
    closed: closes.map(({ dropped, unconfirmed }) => ({ dropped, unconfirmed })),
  });
  return { disconnects, closes, options, numbers };
}

function publish(nc: NatsConnection, subject: string, count: number): void {
  for (let index = 0; index < count; index += 1) nc.publish(subject, "x");
}

test("a drained client, and one that closes after a flush, has lost no message", async () => {
  for (const finish of ["drain", "close"] as const) {
    const { options, numbers } = ends();
    const nc = await connected({ servers: server.address, ...options });
    publish(nc, "news", 100);
    if (finish === "close") await nc.flush();
    await nc[finish]();
    assert.deepEqual(numbers(), { unconfirmed: [0], closed: [{ dropped: 0, unconfirmed: 0 }] }, finish);
  }
});

test("a client that closes without a flush reports the messages since the last one as unconfirmed", async () => {
  const { options, numbers } = ends();
  const nc = await connected({ servers: server.address, ...options });
  publish(nc, "news", 100);
  await nc.flush();
  publish(nc, "news", 3);
  await nc.close();
  assert.deepEqual(numbers(), { unconfirmed: [3], closed: [{ dropped: 0, unconfirmed: 3 }] });
});

test("each PONG confirms the messages before its PING and no later one", async () => {
  const pongs: (() => void)[] = [];
  let welcomed = false;
  await using silent = await natsPeer((socket) => {
    if (!welcomed) socket.write("PONG\r\n");
    welcomed = true;
    // natsPeer answers later PINGs at once; here they wait.
    socket.removeAllListeners("data");
    socket.on("data", (bytes) => {
      for (const _ of bytes.toString().matchAll(/^PING\r$/gm)) pongs.push(() => socket.write("PONG\r\n"));
    });
  });
  const { options, numbers } = ends();
  const nc = await connected({ servers: silent.address, reconnect: false, ...options });
  publish(nc, "news", 10);
  const first = nc.flush();
  publish(nc, "news", 20);
  void nc.flush();
  publish(nc, "news", 40);
  await until(() => pongs.length === 2, "both PINGs arrive");
  pongs[0]?.();
  await first;
  for (const socket of silent.open) socket.destroy();
  await nc.closed();
  assert.deepEqual(numbers(), { unconfirmed: [60], closed: [{ dropped: 0, unconfirmed: 60 }] });
});

test("the client's own PINGs confirm messages, without a flush", async () => {
  const { options, numbers } = ends();
  let pongs = 0;
  await using counting = await natsPeer((socket) => {
    socket.write("PONG\r\n");
    socket.on("data", (bytes) => {
      if (/^PING\r$/m.test(bytes.toString())) pongs += 1;
    });
  });
  const nc = await connected({ servers: counting.address, pingInterval: 100, maxPingOut: 1_000, ...options });
  publish(nc, "news", 10);
  await until(() => pongs > 2, "the client has sent PINGs");
  await nc.close();
  assert.deepEqual(numbers(), { unconfirmed: [0], closed: [{ dropped: 0, unconfirmed: 0 }] });
});

for (const how of ["close", "drain", "give up"] as const) {
  test(`messages that are buffered at the end of a client are dropped: ${how}`, async () => {
    await using proxy = await cuttingProxy(server.port);
    const { disconnects, options, numbers } = ends();
    const { dialer, trace, counted } = measured();
    const nc = await connected({
      servers: proxy.address,
      ...eager,
      maxReconnectAttempts: how === "give up" ? 50 : -1,
      ignoreClusterUpdates: true,
      dialer,
      trace,
      ...options,
    });
    publish(nc, "news", 5);
    await nc.flush();
    publish(nc, "news", 1);
    proxy.refuse(true);
    proxy.cut("reset", () => 0);
    await until(() => disconnects.length === 1, "the loss is noticed");
    publish(nc, "news", 7);
    if (how === "close") await nc.close();
    if (how === "drain") await assert.rejects(nc.drain());
    await nc.closed();
    assert.deepEqual(numbers(), { unconfirmed: [1], closed: [{ dropped: 7, unconfirmed: 1 }] });
    assert.deepEqual(await counted("nats_client_publish_dropped_total"), [" → 7"]);
    assert.deepEqual(await counted("nats_client_publish_unconfirmed_total"), [" → 1"]);
  });
}

test("a drain that a loss cuts short leaves the messages without a PONG unconfirmed", async () => {
  await using proxy = await cuttingProxy(server.port);
  const { options, numbers } = ends();
  const nc = await connected({ servers: proxy.address, ignoreClusterUpdates: true, ...options });
  publish(nc, "news", 4);
  await nc.flush();
  publish(nc, "news", 3);
  proxy.cut("freeze", () => 0);
  await Promise.allSettled([nc.drain()]);
  await nc.closed();
  assert.deepEqual(numbers(), { unconfirmed: [3], closed: [{ dropped: 0, unconfirmed: 3 }] });
});

test("messages that a full buffer rejects are neither dropped nor unconfirmed", async () => {
  await using proxy = await cuttingProxy(server.port);
  const { options, numbers } = ends();
  const nc = await connected({
    servers: proxy.address,
    ...eager,
    ignoreClusterUpdates: true,
    reconnectBufSize: 40,
    ...options,
  });
  proxy.refuse(true);
  proxy.cut("reset", () => 0);
  await until(() => stateOf(nc).state === "reconnecting", "the loss is noticed");
  publish(nc, "n", 2);
  assert.throws(() => publish(nc, "n", 100));
  const buffered = nc.stats().outMsgs;
  await nc.close();
  assert.deepEqual(numbers(), { unconfirmed: [0], closed: [{ dropped: buffered, unconfirmed: 0 }] });
});

test("buffered messages that a failed dial has sent are unconfirmed, and are not sent again", async () => {
  await using proxy = await cuttingProxy(server.port);
  let failing = false;
  const failOnceAfterHandshake: Middleware = (next) =>
    async function failingDialer(target, options) {
      const socket = await next(target, options);
      if (!failing) return socket;
      failing = false;
      socket.destroy();
      throw new Error("failed after the handshake");
    };
  const { options, numbers, closes, disconnects } = ends();
  let reconnected = false;
  const nc: NatsConnection = await connected({
    servers: proxy.address,
    dialer: compose(failOnceAfterHandshake, tcp()),
    ...eager,
    ignoreClusterUpdates: true,
    ...options,
    trace: {
      disconnect() {
        if (disconnects.length > 1) return;
        failing = true;
        publish(nc, "news", 9);
      },
      reconnect() {
        reconnected = true;
      },
    },
  });
  proxy.cut("reset", () => 0);
  await until(() => reconnected, "the second dial succeeds");
  assert.equal(failing, false);
  publish(nc, "news", 2);
  await nc.flush();
  await nc.close();
  assert.deepEqual(numbers().unconfirmed, [0, 0]);
  assert.deepEqual(closes[0], { dropped: 0, unconfirmed: 9 });
});

test("a connection made elsewhere reports no numbers of lost messages", async () => {
  const seen: object[] = [];
  const nc = await stockConnect({ servers: server.address });
  instrument(nc, {
    trace: { disconnect: (info) => void seen.push(info), close: (info) => void seen.push(info) },
  });
  nc.publish("news", "x");
  await nc.close();
  await until(() => seen.length === 2, "both events are reported");
  for (const info of seen) assert.ok(!("unconfirmed" in info) && !("dropped" in info));
});

/** Publishes through a proxy that cuts connections, and compares the client's numbers with a subscriber's. */
async function compare(proxy: CuttingProxy, subscriber: NatsConnection, seed: number) {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const subject = `seed.${seed}`;
  let received = 0;
  subscriber.subscribe(subject, {
    callback: () => {
      received += 1;
    },
  });
  await subscriber.flush();

  let published = 0;
  let confirmed = 0;
  const expected: number[] = [];
  const { disconnects, closes, options } = ends();
  const nc = await connect({
    servers: proxy.address,
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => below(10),
    ...options,
    trace: {
      disconnect() {
        expected.push(published - confirmed);
        confirmed = published;
      },
    },
  });
  const flush = () => {
    const mark = published;
    return nc.flush().then(
      () => {
        confirmed = Math.max(confirmed, mark);
      },
      () => {},
    );
  };
  for (let round = 0; round < 60; round += 1) {
    const burst = below(100);
    for (let index = 0; index < burst; index += 1) {
      nc.publish(subject, "x".repeat(below(200)));
      published += 1;
    }
    if (stateOf(nc).connected) void flush();
    const [reconnects, isCut] = [random() < 0.05, random() < 0.2];
    // However slowly the client reconnects, there is a connection to lose.
    if (reconnects || isCut) await until(() => stateOf(nc).connected, "the client is back");
    if (reconnects) void nc.reconnect();
    else if (isCut) proxy.cut(cuts[below(cuts.length)] ?? "reset", random);
    if (random() < 0.7) await sleep(below(6));
  }
  const givesUp = random() < 0.5;
  // Ends a connection whose cut is still to come.
  proxy.refuse(true);
  proxy.cut("reset", random);
  await until(() => stateOf(nc).state === "reconnecting", "the loss is noticed");
  if (givesUp) {
    for (let index = 0; index < 5; index += 1) nc.publish(subject, "last");
    published += 5;
    await nc.close();
  } else {
    proxy.refuse(false);
    await until(() => stateOf(nc).connected, "the client is back");
    await flush();
    assert.equal(confirmed, published);
    await nc.drain();
  }
  await subscriber.flush();
  await sleep(20); // A server may still read what a cut connection had sent.
  await subscriber.flush();
  return { published, received, disconnects, expected, close: closes[0], givesUp };
}

for (const seed of seeds) {
  test(`seed ${seed}: no more messages are missing at the subscriber than are dropped and unconfirmed`, async () => {
    await using proxy = await cuttingProxy(server.port);
    const subscriber = await connected({ servers: server.address });
    const { published, received, disconnects, expected, close, givesUp } = await compare(proxy, subscriber, seed);
    const { dropped = -1, unconfirmed = -1 } = close ?? {};
    const missing = published - received;
    const numbers = JSON.stringify({ published, missing, dropped, unconfirmed, cuts: disconnects.length });
    assert.ok(disconnects.length > 1, numbers);
    assert.ok(missing >= 0 && missing <= dropped + unconfirmed, numbers);
    assert.ok(dropped <= missing, `messages that were never sent have not been received: ${numbers}`);
    assert.deepEqual(
      disconnects.map((each) => each.unconfirmed),
      expected,
      "each connection reports what was published after the last confirmed flush",
    );
    if (givesUp) assert.ok(dropped >= 5, numbers);
    else assert.equal(dropped, 0, numbers);
  });
}
