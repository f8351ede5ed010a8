import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { ClientTrace } from "../../src/client/client-trace.ts";
import { compose, tcp, withRetry, withTimeout } from "../../src/index.ts";
import { connect } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { openSockets, until } from "../support/resources.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** Records the events of a client as lines. */
function diary(): { lines: string[]; trace: ClientTrace; outages: number[] } {
  const lines: string[] = [];
  const outages: number[] = [];
  const trace: ClientTrace = {
    stateChange: ({ state }) => lines.push(state),
    disconnect: ({ reason }) => lines.push(`lost: ${reason}`),
    reconnectAttempt: () => {
      if (lines.at(-1) !== "trying") lines.push("trying");
    },
    reconnect: ({ outageMs }) => {
      outages.push(outageMs);
      lines.push("back");
    },
  };
  return { lines, trace, outages };
}

const dialer = () =>
  compose(withTimeout({ timeoutMs: 5_000 }), withRetry({ maxAttempts: 3, initialBackoffMs: 10 }), tcp());
const eager = { reconnectTimeWait: 20, reconnectJitter: 0, maxReconnectAttempts: -1 };

test("a client whose server is killed emits disconnect, attempts and reconnect, and messages flow again", async () => {
  await using server = await startNats();
  const { lines, trace, outages } = diary();
  const nc = await connect({ servers: server.address, dialer: dialer(), trace, ...eager });
  const received: string[] = [];
  nc.subscribe("news", { callback: (_, msg) => void received.push(msg.string()) });
  nc.publish("news", "before");
  await nc.flush();

  const killedAt = performance.now();
  await server.stop("SIGKILL");
  await until(() => lines.includes("reconnecting"), "the loss is noticed");
  await server.start();
  await until(() => lines.includes("back"), "the client is back");
  const upperBound = performance.now() - killedAt;

  nc.publish("news", "after");
  await nc.flush();
  assert.deepEqual(received, ["before", "after"]);
  await nc.close();
  const death = lines.find((line) => line.startsWith("lost"));
  assert.deepEqual(lines, [
    "connecting",
    "connected",
    "reconnecting",
    death,
    "trying",
    "connected",
    "back",
    "lost: local",
    "closed",
  ]);
  assert.match(death ?? "", /^lost: (remote|reset)$/);
  assert.equal(outages.length, 1);
  assert.ok((outages[0] ?? 0) > 0 && (outages[0] ?? 0) <= upperBound);
});

test("a drain emits draining, disconnect with the reason drain, then close", async () => {
  await using server = await startNats();
  const { lines, trace } = diary();
  const nc = await connect({ servers: server.address, dialer: dialer(), trace });
  await nc.drain();
  assert.deepEqual(lines, ["connecting", "connected", "draining", "lost: drain", "closed"]);
});

test("a forced reconnect emits disconnect with the reason forced", async () => {
  await using server = await startNats();
  const { lines, trace } = diary();
  const nc = await connect({ servers: server.address, dialer: dialer(), trace, ...eager });
  await nc.reconnect();
  await until(() => lines.includes("back"), "the client is back");
  assert.deepEqual(lines.slice(2), ["reconnecting", "lost: forced", "trying", "connected", "back"]);
  await nc.close();
});

test("a server that stops answering pings is lost with the reason stale", async () => {
  await using server = await startNats();
  const { lines, trace } = diary();
  const nc = await connect({
    servers: server.address,
    dialer: dialer(),
    trace,
    ...eager,
    pingInterval: 30,
    maxPingOut: 2,
  });
  await server.freeze();
  await until(() => lines.some((line) => line.startsWith("lost")), "the loss is noticed");
  assert.ok(lines.includes("lost: stale"), lines.join());
  await nc.close();
});

test("a client with reconnect: false closes when its connection is lost", async () => {
  await using server = await startNats();
  const { lines, trace } = diary();
  const nc = await connect({ servers: server.address, dialer: dialer(), trace, reconnect: false });
  await server.stop();
  await nc.closed();
  assert.match(lines.join(), /^connecting,connected,lost: (remote|reset),closed$/);
});

test("a client that gives up reconnecting emits close", async () => {
  await using server = await startNats();
  const { lines, trace } = diary();
  const nc = await connect({ servers: server.address, dialer: dialer(), trace, ...eager, maxReconnectAttempts: 2 });
  await server.stop();
  await nc.closed();
  assert.deepEqual(lines.slice(-3), [lines.find((line) => line.startsWith("lost")), "trying", "closed"]);
});

test("a client whose first connect fails is connecting, then closed", async () => {
  await using server = await startNats();
  await server.stop();
  const { lines, trace } = diary();
  await assert.rejects(connect({ servers: server.address, trace }));
  assert.deepEqual(lines, ["connecting", "closed"]);
});

test("a hook that throws does not affect the client", async () => {
  await using server = await startNats();
  const trace: ClientTrace = {
    stateChange: () => {
      throw new Error("broken hook");
    },
  };
  const nc = await connect({ servers: server.address, trace });
  await nc.flush();
  await nc.close();
});
