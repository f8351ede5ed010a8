import assert from "node:assert/strict";
import { after, test } from "node:test";
import { credsAuthenticator, type NatsConnection, type WsSocketFactory, wsconnect } from "@nats-io/transport-node";
import { Registry } from "prom-client";
import { WebSocket } from "ws";
import { ClientEvents } from "../../src/client/client-events.ts";
import type { ClientTrace, ObservedClient } from "../../src/client/client-trace.ts";
import { rememberClient } from "../../src/nats/known-clients.ts";
import { instrument } from "../../src/nats.ts";
import { natsMetrics } from "../../src/prometheus.ts";
import { authority } from "../support/certificates.ts";
import { expiresSoon, operatorMode } from "../support/nats-auth.ts";
import { errorName, isV2, stockConnect } from "../support/nats-line.ts";
import { infoLine, natsPeer } from "../support/nats-peer.ts";
import { startNats } from "../support/nats-server.ts";
import { freePort } from "../support/peers.ts";
import { activeResources, openSockets, until } from "../support/resources.ts";
import { temporaryFile } from "../support/temporary.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** Records the events of a client as lines. */
function diary() {
  const lines: string[] = [];
  const errors: unknown[] = [];
  let client: ObservedClient | undefined;
  const hooks: ClientTrace = {
    stateChange: ({ state }) => lines.push(state),
    connect: () => lines.push("first connect"),
    disconnect: ({ reason, error }) => {
      lines.push(`lost: ${reason}`);
      errors.push(error);
    },
    reconnectAttempt: ({ attempt }) => lines.push(`attempt ${attempt}`),
    reconnect: ({ attempts }) => lines.push(`back after ${attempts}`),
    serversChange: ({ added, removed }) => lines.push(`servers +${added} -${removed}`),
    lameDuck: () => lines.push("lame duck"),
    stale: () => lines.push("stale"),
    forcedReconnect: () => lines.push("forced"),
    slowConsumer: ({ pending }) => lines.push(`slow: ${pending}`),
    error: ({ kind }) => lines.push(`error: ${kind}`),
    rtt: () => lines.push("rtt"),
    close: ({ error }) => {
      lines.push("gone");
      errors.push(error);
    },
    end: () => lines.push("end"),
  };
  const trace = (observed: ObservedClient) => {
    client = observed;
    return hooks;
  };
  return {
    lines,
    errors,
    hooks,
    trace,
    get client(): ObservedClient {
      assert.ok(client, "observed");
      return client;
    },
    has: (start: string) => lines.some((line) => line.startsWith(start)),
  };
}

const eager = { reconnectTimeWait: 10, reconnectJitter: 0, maxReconnectAttempts: -1, noAsyncTraces: true };
const closing = ["lost: local", "closed", "gone", "end"];
/** The status listeners of a client. */
const listeners = (nc: NatsConnection) => {
  const { listeners: own, protocol } = nc as unknown as { listeners: unknown[]; protocol: { listeners: unknown[] } };
  return isV2 ? own : protocol.listeners;
};

/** A client of transport-node's own connect, and the recorded events of `instrument`. */
async function observed(server: { address: string }, options: object = {}) {
  const nc = await stockConnect({ servers: server.address, ...eager, ...options });
  const seen = diary();
  const { stop } = instrument(nc, { trace: seen.trace });
  return { nc, seen, stop };
}

const wsFactory: WsSocketFactory = async (url) => ({ socket: new WebSocket(url) as never, encrypted: false });

async function startWebsocketNats() {
  const port = await freePort();
  const server = await startNats([], `websocket { host: "127.0.0.1", port: ${port}, no_tls: true }`);
  return { server, url: `ws://127.0.0.1:${port}` };
}

for (const [how, signal] of [
  ["killed", "SIGKILL"],
  ["stopped", "SIGTERM"],
] as const) {
  test(`instrument reports disconnect, attempts, reconnect and close of a client whose server is ${how}`, async () => {
    await using server = await startNats();
    const { nc, seen } = await observed(server);
    await server.stop(signal);
    await until(() => seen.lines.includes("reconnecting"), "the loss is noticed");
    assert.equal(seen.client.refresh?.(), undefined);
    await server.start();
    await until(() => seen.has("back"), "the client is back");
    await nc.flush();
    await nc.close();
    await until(() => seen.has("end"), "the close is reported");

    const attempts = seen.lines.filter((line) => line.startsWith("attempt"));
    const death = seen.lines[2];
    assert.match(death ?? "", /^lost: (remote|reset)$/);
    assert.deepEqual(
      attempts,
      attempts.map((_, n) => `attempt ${n + 1}`),
    );
    assert.deepEqual(seen.lines, [
      "connected",
      "reconnecting",
      death,
      ...attempts,
      "connected",
      `back after ${attempts.length}`,
      ...closing,
    ]);
  });
}

test("instrument reports the reason of a loss over TLS as over TCP", async () => {
  const ca = authority();
  const { cert, key } = ca.issue({ name: "localhost", alternatives: ["IP:127.0.0.1"] });
  const files = `cert_file: "${temporaryFile("cert.pem", cert)}", key_file: "${temporaryFile("key.pem", key)}"`;
  await using server = await startNats([], `tls { ${files} }`);
  const { nc, seen } = await observed(server, { tls: { ca: ca.cert } });
  await server.stop("SIGTERM");
  await until(() => seen.lines.includes("reconnecting"), "the loss is noticed");
  await server.start();
  await until(() => seen.has("back"), "the client is back");
  await nc.close();
  await until(() => seen.has("end"), "the close is reported");
  const [first, second] = seen.lines.filter((line) => line.startsWith("lost"));
  assert.match(first ?? "", /^lost: (remote|reset)$/);
  assert.equal(second, "lost: local");
});

test("instrument reports a reconnect with the server, its identity and the outage", async () => {
  await using server = await startNats(["--name", "n1"]);
  const nc = await stockConnect({ servers: server.address, ...eager });
  let told: Parameters<NonNullable<ClientTrace["reconnect"]>>[0] | undefined;
  let lost: Parameters<NonNullable<ClientTrace["disconnect"]>>[0] | undefined;
  const startedAt = performance.now();
  instrument(nc, {
    trace: {
      disconnect: (info) => {
        lost = info;
      },
      reconnect: (info) => {
        told = info;
      },
    },
  });
  await nc.reconnect();
  await until(() => told !== undefined, "the client is back");
  assert.deepEqual(lost, { server: server.address, reason: "forced" });
  assert.equal(told?.server, server.address);
  assert.equal(told?.identity.name, "n1");
  assert.equal(told?.identity.version, nc.info?.version);
  assert.equal(told?.identity.id, nc.info?.server_id);
  assert.ok((told?.outageMs ?? 0) > 0 && (told?.outageMs ?? 0) <= performance.now() - startedAt);
  await nc.close();
});

test("instrument reports a forced reconnect with the reason forced", async () => {
  await using server = await startNats();
  const { nc, seen } = await observed(server);
  await nc.reconnect();
  await until(() => seen.has("back"), "the client is back");
  assert.deepEqual(seen.lines.slice(0, 4), ["connected", "forced", "reconnecting", "lost: forced"]);
  await nc.close();
});

test("instrument reports a server that answers no ping as stale", async () => {
  await using server = await startNats();
  const { nc, seen } = await observed(server, { pingInterval: 30, maxPingOut: 2 });
  await server.freeze();
  await until(() => seen.has("lost"), "the loss is noticed");
  assert.deepEqual(seen.lines.slice(0, 4), ["connected", "stale", "reconnecting", "lost: stale"]);
  await nc.close();
});

test("instrument reports a lame duck, and then the loss with the reason lame_duck", async () => {
  await using server = await startNats([], 'lame_duck_grace_period: "50ms"\nlame_duck_duration: "30s"');
  const { nc, seen } = await observed(server);
  const gone = server.stop("SIGUSR2"); // The signal of `nats-server --signal ldm`.
  await until(() => seen.has("lost"), "the loss is noticed");
  assert.deepEqual(seen.lines.slice(0, 4), ["connected", "lame duck", "reconnecting", "lost: lame_duck"]);
  await nc.close();
  await gone;
});

test("instrument reports a lame duck once per connection", async () => {
  const ducks: (() => void)[] = [];
  await using server = await natsPeer((socket) => {
    socket.write("PONG\r\n");
    ducks.push(() => void socket.write(infoLine({ ldm: true }).repeat(3)));
  });
  const { nc, seen } = await observed(server);
  for (const times of [1, 2]) {
    ducks.at(-1)?.();
    await nc.flush();
    assert.equal(seen.lines.filter((line) => line === "lame duck").length, times);
    const before = ducks.length;
    await nc.reconnect();
    await until(() => ducks.length > before && seen.lines.at(-1)?.startsWith("back") === true, "the client is back");
  }
  // The first reason counts: the forced reconnect was a reaction to it.
  assert.equal(seen.lines.filter((line) => line === "lost: lame_duck").length, 2);
  await nc.close();
});

test("instrument reports expired credentials as an error and a loss, not as a stale connection", async () => {
  const operator = await operatorMode();
  await using server = await startNats([], operator.config);
  const creds = [await operator.creds(expiresSoon), await operator.creds()];
  let asked = 0;
  const { nc, seen } = await observed(server, {
    ignoreAuthErrorAbort: true,
    authenticator: (nonce?: string) => {
      const current = new TextEncoder().encode(creds[Math.min(asked, 1)]);
      asked += 1;
      return credsAuthenticator(current)(nonce);
    },
  });
  await until(() => seen.has("back"), "the client is back with new credentials");
  assert.deepEqual(seen.lines.slice(0, 4), ["connected", "error: auth", "reconnecting", "lost: auth_expired"]);
  assert.equal(errorName(seen.errors[0]), "UserAuthenticationExpiredError");
  await nc.close();
});

test("instrument reports credentials refused while connected as a loss by an error", async () => {
  await using server = await natsPeer();
  const { nc, seen } = await observed(server);
  for (const socket of server.open) socket.end("-ERR 'Authorization Violation'\r\n");
  await until(() => seen.has("back"), "the client is back");
  assert.deepEqual(seen.lines.slice(0, 4), ["connected", "error: auth", "reconnecting", "lost: error"]);
  await nc.close();
});

test("instrument attributes statuses between PONG and the reconnect to the new connection", async () => {
  await using server = await natsPeer((socket, nth) => {
    socket.write(`PONG\r\n${nth === 2 ? "-ERR 'User Authentication Expired'\r\n" : ""}`);
    if (nth === 2) socket.end();
  });
  const { nc, seen } = await observed(server, { ignoreAuthErrorAbort: true });
  await nc.reconnect();
  await until(() => seen.lines.filter((line) => line.startsWith("back")).length === 2, "the client is back again");
  assert.deepEqual(
    seen.lines.filter((line) => line.startsWith("lost")),
    ["lost: forced", "lost: auth_expired"],
  );
  await nc.close();
});

test("instrument reports dials refused after INFO neither as losses nor as reconnects", async () => {
  await using server = await natsPeer((socket, nth) => {
    if (nth >= 2 && nth <= 4) socket.end("-ERR 'Authorization Violation'\r\n");
    else socket.write("PONG\r\n");
  });
  const { nc, seen } = await observed(server, { ignoreAuthErrorAbort: true });
  await nc.reconnect();
  await until(() => seen.has("back"), "the client is back");
  await nc.flush();
  assert.deepEqual(seen.lines, [
    "connected",
    "forced",
    "reconnecting",
    "lost: forced",
    ...[1, 2, 3].flatMap((attempt) => [`attempt ${attempt}`, "error: auth"]),
    "attempt 4",
    "connected",
    "back after 4",
  ]);
  for (const socket of server.open) socket.end();
  await until(() => seen.lines.length > 14, "the next loss is noticed");
  assert.equal(seen.lines[14], "lost: remote", "the refusals were not of this connection");
  await nc.close();
});

test("instrument reports a reset connection", async () => {
  await using server = await natsPeer();
  const { nc, seen } = await observed(server);
  for (const socket of server.open) socket.resetAndDestroy();
  await until(() => seen.has("lost"), "the loss is noticed");
  assert.deepEqual(seen.lines.slice(0, 3), ["connected", "reconnecting", "lost: reset"]);
  assert.equal((seen.errors[0] as NodeJS.ErrnoException).code, "ECONNRESET");
  await nc.close();
});

test("instrument reports a close as a local disconnect, then as closed without an error", async () => {
  await using server = await startNats();
  const { nc, seen } = await observed(server);
  await nc.close();
  await until(() => seen.has("end"), "the close is reported");
  seen.client.refresh?.();
  assert.deepEqual(seen.lines, ["connected", ...closing]);
  assert.deepEqual(seen.errors, [undefined, undefined]);
});

test("a refresh notices a close before the socket is gone", async () => {
  // Over a websocket, because transport-node destroys its socket with unsent data.
  const { server, url } = await startWebsocketNats();
  await using _ = server;
  const nc = await wsconnect({ servers: url, ...eager, wsFactory });
  const seen = diary();
  instrument(nc, { trace: seen.trace });
  await server.freeze();
  for (let n = 0; n < 32; n += 1) nc.publish("a", new Uint8Array(1024 * 1024));
  let socketGone = false;
  const closed = nc.close().then(() => {
    socketGone = true;
  });
  await until(() => nc.isClosed(), "the client is closed");
  seen.client.refresh?.();
  assert.deepEqual([socketGone, seen.lines], [false, ["connected", ...closing]]);
  await server.stop();
  await closed;
  assert.deepEqual(seen.lines, ["connected", ...closing]);
});

test("a refresh notices a drain, which then ends with the reason drain", async () => {
  await using server = await startNats();
  const { nc, seen } = await observed(server);
  const drained = nc.drain();
  assert.deepEqual(seen.lines, ["connected"]);
  seen.client.refresh?.();
  assert.deepEqual(seen.lines, ["connected", "draining"]);
  await drained;
  await until(() => seen.has("end"), "the close is reported");
  assert.deepEqual(seen.lines, ["connected", "draining", "lost: drain", "closed", "gone", "end"]);
});

test("instrument reports an unnoticed drain at the close", async () => {
  await using server = await startNats();
  const { nc, seen } = await observed(server);
  await nc.drain();
  await until(() => seen.has("end"), "the close is reported");
  assert.deepEqual(seen.lines, ["connected", "draining", "lost: drain", "closed", "gone", "end"]);
});

test("instrument reports a loss with reconnect: false as closed", async () => {
  await using server = await startNats();
  const { nc, seen } = await observed(server, { reconnect: false });
  await server.stop();
  await nc.closed();
  await until(() => seen.has("end"), "the close is reported");
  assert.match(seen.lines.join(), /^connected,lost: (remote|reset),closed,gone,end$/);
});

test("instrument reports the error of a client that gives up", async () => {
  await using server = await startNats();
  const { nc, seen } = await observed(server, { maxReconnectAttempts: 2 });
  await server.stop();
  await nc.closed();
  await until(() => seen.has("end"), "the close is reported");
  assert.deepEqual(seen.lines.slice(3), ["attempt 1", "attempt 2", "closed", "gone", "end"]);
  assert.equal((seen.errors[1] as Error).message, isV2 ? "CONNECTION_REFUSED" : "connection refused");
});

test("instrument reports no further loss for a close while reconnecting", async () => {
  await using server = await startNats();
  const { nc, seen } = await observed(server);
  await server.stop();
  await until(() => seen.has("attempt"), "the client tries");
  await nc.close();
  await until(() => seen.has("end"), "the close is reported");
  assert.equal(seen.lines.filter((line) => line.startsWith("lost")).length, 1);
  assert.deepEqual(seen.lines.slice(-3), ["closed", "gone", "end"]);
});

test("instrument accepts a client that is reconnecting and one that is closed", async () => {
  await using server = await startNats();
  const nc = await stockConnect({ servers: server.address, ...eager });
  await server.stop();
  const first = diary();
  instrument(nc, { trace: first.trace });
  await until(() => first.lines.at(-1) !== "connected", "the loss is noticed");
  const second = diary();
  instrument(nc, { trace: second.trace });
  assert.deepEqual(second.lines, ["reconnecting"]);
  await server.start();
  await until(() => second.has("back"), "the client is back");
  assert.match(second.lines.join(), /^reconnecting,(attempt \d+,)*connected,back after \d+$/);
  await nc.close();

  const third = diary();
  instrument(nc, { trace: third.trace, rttIntervalMs: 1 }).stop();
  assert.deepEqual(third.lines, ["closed", "end"]);
});

test("instrument reports servers that join and leave, and no INFO without a change", async () => {
  let say = (_: string) => {};
  await using server = await natsPeer((socket) => {
    socket.write("PONG\r\n");
    say = (line) => void socket.write(line);
  });
  const { nc, seen } = await observed(server);
  const own = server.address;
  const told = () => seen.lines.filter((line) => line.startsWith("servers"));
  for (const connect_urls of [[own], [own, "10.0.0.1:4222"], [own, "10.0.0.1:4222"], [own, "10.0.0.2:4222"]]) {
    say(infoLine({ connect_urls }));
    await nc.flush();
  }
  assert.deepEqual(told(), ["servers +10.0.0.1:4222 -", "servers +10.0.0.2:4222 -10.0.0.1:4222"]);
  // Over websockets the library compares URLs with addresses and reports an unchanged pool as removed and added.
  const { protocol } = nc as unknown as { protocol: { dispatchStatus(status: object): void } };
  protocol.dispatchStatus({
    type: "update",
    added: ["wss://h.test:443/", "wss://i.test:443/"],
    deleted: ["h.test:443"],
  });
  await nc.flush();
  assert.deepEqual(told().slice(2), ["servers +i.test:443 -"]);
  assert.equal(seen.client.stats().configuredServers, 1);
  assert.equal(seen.client.stats().discoveredServers, 1);
  await nc.close();
});

test("instrument reports errors by kind, and slow consumers", async () => {
  await using server = await startNats(
    [],
    `
      authorization { users: [{
        user: u, password: p,
        permissions: { publish: { deny: "no" }, subscribe: { deny: "no" } }
      }] }`,
  );
  const { nc, seen } = await observed(server, { user: "u", pass: "p" });
  nc.publish("no");
  nc.subscribe("no", { callback: () => {} });
  nc.subscribe("yes", { slow: 1 });
  for (let n = 0; n < 3; n += 1) nc.publish("yes");
  await nc.flush();
  const slow = isV2 ? [] : ["slow: 2"]; // `nats` 2.x does not report it.
  await until(() => seen.lines.length === 3 + slow.length, "every event is reported");
  assert.deepEqual(seen.lines.toSorted(), [
    "connected",
    "error: permission_publish",
    "error: permission_subscribe",
    ...slow,
  ]);
  await nc.close();
});

test("instrument reads the client's counters and its buffered bytes", async () => {
  await using server = await startNats();
  const { nc, seen } = await observed(server, { name: "orders", reconnectTimeWait: 5_000 });
  assert.equal(seen.client.name, "orders");
  nc.subscribe("a", { callback: () => {} });
  nc.publish("a", "12345");
  await nc.flush();
  assert.deepEqual(seen.client.stats(), {
    inMsgs: 1,
    outMsgs: 1,
    inBytes: 5,
    outBytes: 5,
    configuredServers: 1,
    discoveredServers: 0,
    bufferedBytes: 0,
  });
  await server.stop();
  await until(() => seen.lines.includes("reconnecting"), "the loss is noticed");
  assert.equal(seen.client.stats().bufferedBytes, 0);
  nc.publish("a", "12345");
  assert.equal(seen.client.stats().bufferedBytes, "PUB a 5\r\n12345\r\n".length);
  await nc.close();
  assert.equal(seen.client.stats().outMsgs, 2);
});

test("instrument reports the reasons of losses over websockets", async () => {
  const { server, url } = await startWebsocketNats();
  await using _ = server;
  const nc = await wsconnect({ servers: url, ...eager, wsFactory });
  const seen = diary();
  const servers: string[] = [];
  instrument(nc, { trace: [seen.trace, { disconnect: ({ server }) => servers.push(server) }] });
  const backs = () => seen.lines.filter((line) => line.startsWith("back")).length;

  await server.stop();
  await until(() => seen.lines.includes("reconnecting"), "the loss is noticed");
  await server.start();
  await until(() => backs() === 1, "the client is back");
  await nc.reconnect();
  await until(() => backs() === 2, "the client is back again");
  await nc.close();
  await until(() => seen.has("end"), "the close is reported");

  assert.deepEqual(
    seen.lines.filter((line) => line.startsWith("lost")),
    ["lost: remote", "lost: forced", "lost: local"],
  );
  const address = url.slice("ws://".length);
  assert.deepEqual(servers, [address, address, address]);
  assert.equal(seen.has("servers"), false, "a pool that did not change");
});

test("instrument works with the public methods of a connection alone", async () => {
  await using server = await startNats();
  const nc = await stockConnect({ servers: server.address, ...eager });
  const shown = Object.fromEntries(
    ["status", "closed", "isClosed", "isDraining", "getServer", "stats", "flush"].map((name) => [
      name,
      (...args: unknown[]) => (nc as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args),
    ]),
  ) as unknown as NatsConnection;
  const seen = diary();
  instrument(shown, { trace: seen.trace });
  assert.deepEqual(seen.client.stats(), {
    inMsgs: 0,
    outMsgs: 0,
    inBytes: 0,
    outBytes: 0,
    configuredServers: 0,
    discoveredServers: 0,
    bufferedBytes: 0,
  });
  await server.stop();
  await until(() => seen.lines.includes("reconnecting"), "the loss is noticed");
  await server.start();
  await until(() => seen.has("back"), "the client is back");
  await nc.close();
  await until(() => seen.has("end"), "the close is reported");
  assert.deepEqual(
    seen.lines.filter((line) => line.startsWith("lost")),
    ["lost: remote", "lost: local"],
  );
});

test("50 stopped observers leave nothing behind on the connection", async () => {
  await using server = await startNats();
  const nc = await stockConnect({ servers: server.address, ...eager });
  await nc.flush();
  const own = nc.status();
  const socket = (nc as unknown as { protocol: { transport: { socket: NodeJS.EventEmitter } } }).protocol.transport
    .socket;
  const shape = () => ({
    statusListeners: listeners(nc).length,
    socketListeners: socket.eventNames().map((name) => [name, socket.listenerCount(name)]),
    resources: activeResources(),
    keys: Reflect.ownKeys(nc).length,
  });
  const before = shape();
  const diaries = Array.from({ length: 50 }, diary);
  const stops = diaries.map(({ trace }) => instrument(nc, { trace, rttIntervalMs: 60_000 }));
  assert.equal(listeners(nc).length, before.statusListeners + 50);
  assert.deepEqual(activeResources(), before.resources, "nothing that keeps the process alive");
  for (const { stop } of stops) {
    stop();
    stop();
  }
  await nc.flush();
  assert.deepEqual(shape(), before);

  await nc.reconnect();
  for await (const status of own) if (status.type === "reconnect") break;
  await nc.close();
  for (const { lines } of diaries) assert.deepEqual(lines, ["connected", "end"]);
});

test("no hook is called after stop, not even for work in progress", async () => {
  await using server = await startNats();
  const { nc, seen, stop } = await observed(server);
  const stopping = diary();
  const second = instrument(nc, {
    trace: {
      ...stopping.hooks,
      forcedReconnect: () => {
        stopping.lines.push("forced");
        second.stop();
      },
    },
  });
  await nc.reconnect();
  await until(() => seen.has("back"), "the client is back");
  assert.deepEqual(stopping.lines, ["connected", "forced", "end"]);
  const closed = nc.close();
  stop();
  const told = [...seen.lines];
  await closed;
  assert.deepEqual(seen.lines, told);
  assert.equal(told.at(-1), "end");
});

test("a hook that throws affects neither the connection nor other hooks", async () => {
  await using server = await startNats();
  const nc = await stockConnect({ servers: server.address, ...eager });
  const broken = () => {
    throw new Error("broken hook");
  };
  const seen = diary();
  instrument(nc, { trace: [{ stateChange: broken, disconnect: broken, end: broken }, broken, seen.trace] });
  await nc.reconnect();
  await until(() => seen.has("back"), "the client is back");
  await nc.flush();
  await nc.close();
  await until(() => seen.has("end"), "the close is reported");
});

test("instrument uses the events of a client of this package", async () => {
  await using server = await startNats();
  const nc = await stockConnect({ servers: server.address, ...eager });
  const events = new ClientEvents({ stats: () => assert.fail("stats must not be read") }, "connected");
  rememberClient(nc, events);
  const before = listeners(nc).length;
  const seen = diary();
  const { stop } = instrument(nc, { trace: seen.trace });
  assert.equal(listeners(nc).length, before);
  assert.equal(seen.client, events.client);
  events.emit("stale", { server: server.address });
  stop();
  events.emit("stale", { server: server.address });
  assert.deepEqual(seen.lines, ["connected", "stale", "end"]);
  await nc.close();
});

test("several connections in one registry are distinguished by name", async () => {
  await using server = await startNats();
  const registry = new Registry();
  const [a, b] = [
    await stockConnect({ servers: server.address, ...eager }),
    await stockConnect({ servers: server.address, ...eager }),
  ];
  instrument(a, { trace: natsMetrics({ registry, name: "a" }) });
  instrument(b, { trace: natsMetrics({ registry, name: "b" }) });
  const metrics = async () => {
    const text = await registry.metrics();
    return (name: string, labels: Record<string, string>) =>
      text
        .split("\n")
        .filter((line) => line.startsWith(`${name}{`))
        .find((line) => Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
        ?.split(" ")
        .at(-1);
  };
  await b.close();
  await new Promise(setImmediate);
  const read = await metrics();
  const status = (dialer_name: string, state: string) =>
    read("nats_client_connection_status", { dialer_name, nats_client_state: state });
  assert.deepEqual([status("a", "connected"), status("a", "closed")], ["1", "0"]);
  assert.deepEqual([status("b", "connected"), status("b", "closed")], ["0", "1"]);
  assert.equal(
    read("nats_client_disconnects_total", { dialer_name: "a", nats_client_disconnect_reason: "local" }),
    "0",
  );
  assert.equal(
    read("nats_client_disconnects_total", { dialer_name: "b", nats_client_disconnect_reason: "local" }),
    "1",
  );
  await a.close();
});

test("instrument names invalid arguments", async () => {
  await using server = await startNats();
  const nc = await stockConnect({ servers: server.address });
  const refused = (connection: unknown, options: unknown, expected: object) =>
    assert.throws(() => instrument(connection as NatsConnection, options as never), expected);
  refused(undefined, { trace: {} }, { name: "TypeError", message: /nc must be a NATS connection, with status\(\)/ });
  refused({}, { trace: {} }, { name: "TypeError", message: /status\(\).* got an object/ });
  refused(nc, undefined, { name: "TypeError", message: /options must be an object/ });
  refused(nc, {}, { name: "TypeError", message: /instrument: trace must be hooks/ });
  refused(nc, { trace: {}, rttMs: 1 }, { name: "TypeError", message: /unknown option rttMs/ });
  for (const rttIntervalMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "1"]) {
    refused(nc, { trace: {}, rttIntervalMs }, { name: "RangeError", message: /rttIntervalMs/ });
  }
  assert.deepEqual(listeners(nc), []);
  await nc.close();
});
