import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, test } from "node:test";
import { type NatsConnection, wsconnect } from "@nats-io/transport-node";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { Registry } from "prom-client";
import type { DialDoneInfo, DialStartInfo, TlsHandshakeDoneInfo } from "../../src/core/trace.ts";
import {
  compose,
  DialError,
  type Dialer,
  type DialTrace,
  type Middleware,
  tcp,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { type WsFactoryOptions, wsFactory } from "../../src/nats-ws.ts";
import { withTracing } from "../../src/otel.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { authority } from "../support/certificates.ts";
import { startNatsWebsocket } from "../support/nats-websocket.ts";
import { freePort, goodPeer, peer, resettingPeer, silentPeer } from "../support/peers.ts";
import { activeResources, openSockets, openTimers, until } from "../support/resources.ts";
import { tlsPeer } from "../support/tls-peers.ts";
import { closeFrame, frame, httpPeer, infoLine } from "../support/websocket-peer.ts";
import { scrape } from "../telemetry/exposition.ts";
import { sdk2 } from "../telemetry/sdk-lines.ts";
import { spanRecorder, spanTree } from "../telemetry/span-tree.ts";
import { stoppedClock } from "./stopped-clock.ts";

const ca = authority();
const other = authority("another CA");
const localhost = ca.issue({ name: "localhost" });

after(async () => {
  await until(() => openSockets() === 0, "no test may leave a socket open");
  await until(() => openTimers() <= 1, `no test may leave a timer: ${JSON.stringify(activeResources())}`);
});

const eager = { reconnectTimeWait: 20, reconnectJitter: 0, maxReconnectAttempts: -1 };

/** A dialer that records its dials. */
function watched(...layers: [...Middleware[], Dialer]) {
  const starts: DialStartInfo[] = [];
  const dones: DialDoneInfo[] = [];
  const tls: TlsHandshakeDoneInfo[] = [];
  const closes: string[] = [];
  const hooks: DialTrace = {
    dialStart: (info) => starts.push(info),
    dialDone: (info) => dones.push(info),
    tlsHandshakeDone: (info) => tls.push(info),
    connClosed: ({ reason }) => closes.push(reason),
  };
  return { dialer: compose(withTrace(hooks), ...layers), starts, dones, tls, closes };
}

/** Expects a connect to fail, and returns the reason and the error of its single dial. */
async function failing(url: string, options: Partial<WsFactoryOptions> = {}, timeout = 20_000) {
  const { dialer, dones } = watched(tcp());
  const connecting = wsconnect({ servers: url, wsFactory: wsFactory({ dialer, ...options }), timeout });
  const told = await connecting.then(
    () => assert.fail("it connected"),
    (error: Error) => error,
  );
  await until(() => dones.length > 0, "the dial has ended");
  assert.equal(dones.length, 1);
  const [{ reason, error } = {} as DialDoneInfo] = dones;
  await until(() => openSockets() === 0, "the failed dial's socket is closed");
  return { told, reason, error: error as DialError };
}

async function reconnected(nc: NatsConnection): Promise<void> {
  for await (const status of nc.status()) if (status.type === "reconnect") return;
}

/** A server that sends INFO in one packet with the upgrade, and answers each PING. */
const ownServer = (first = infoLine) =>
  httpPeer((socket, acceptance) => {
    socket.write(Buffer.concat([Buffer.from(acceptance), frame(first)]));
    // CONNECT and PING are masked, so every frame is answered; a close frame ends the connection.
    socket.on("data", (chunk) => (chunk[0] === closeFrame ? socket.end() : socket.write(frame("PONG\r\n"))));
  });

test("a client over wsFactory publishes, subscribes and requests", async () => {
  await using server = await startNatsWebsocket();
  const { dialer, dones, closes } = watched(tcp());
  const nc = await wsconnect({ servers: `ws://127.0.0.1:${server.wsPort}`, wsFactory: wsFactory({ dialer }) });
  nc.subscribe("echo", { callback: (_, msg) => void msg.respond(msg.data) });
  assert.equal((await nc.request("echo", "hello", { timeout: 30_000 })).string(), "hello");
  const large = "x".repeat(200_000);
  assert.equal((await nc.request("echo", large, { timeout: 30_000 })).string(), large);
  await nc.drain();
  assert.deepEqual(
    dones.map(({ target, outcome }) => `${target} ${outcome}`),
    [`127.0.0.1:${server.wsPort} success`],
  );
  await until(() => closes.length === 1, "the close is reported");
  assert.deepEqual(closes, ["local"]);
});

test("wsFactory checks the certificate of a wss URL against the URL's host, in the dial's handshake", async () => {
  await using server = await startNatsWebsocket(localhost);
  const { dialer, tls } = watched(tcp());
  const factory = wsFactory({ dialer, tls: { ca: ca.cert } });
  const nc = await wsconnect({ servers: `wss://localhost:${server.wsPort}`, wsFactory: factory });
  await nc.flush();
  const { protocol } = nc as unknown as { protocol: { transport: { isEncrypted(): boolean } } };
  assert.equal(protocol.transport.isEncrypted(), true);
  await nc.close();
  assert.deepEqual(
    tls.map(({ serverName, protocol, outcome }) => ({ serverName, protocol, outcome })),
    [{ serverName: "localhost", protocol: "TLSv1.3", outcome: "success" }],
  );

  assert.equal((await failing(`wss://127.0.0.1:${server.wsPort}`, { tls: { ca: ca.cert } })).reason, "tls_hostname");
  const untrusting = await failing(`wss://localhost:${server.wsPort}`, { tls: { ca: other.cert } });
  assert.equal(untrusting.reason, "tls_cert_untrusted");
});

test("reconnects over wsFactory are dialed, measured and traced as background dials", async () => {
  await using server = await startNatsWebsocket();
  const registry = new Registry();
  const recorder = spanRecorder();
  const manager = new AsyncLocalStorageContextManager().enable();
  sdk2.api.context.setGlobalContextManager(manager);
  const tracerProvider = sdk2.provider(recorder);
  const { dialer, starts } = watched(withTracing({ tracerProvider }), withPrometheus({ registry }), tcp());

  const nc = await tracerProvider.getTracer("test").startActiveSpan("start-up", async (span) => {
    const factory = wsFactory({ dialer });
    const connected = await wsconnect({ servers: `ws://127.0.0.1:${server.wsPort}`, wsFactory: factory, ...eager });
    span.end();
    return connected;
  });
  const back = reconnected(nc);
  await server.stop();
  await server.start();
  await back;
  await nc.flush();
  const { value } = await scrape(registry);
  const label = { dialer_name: "default" };
  assert.equal(value("dialer_connection_established_total", label), 2);
  assert.equal(value("dialer_connection_count", { ...label, dialer_connection_state: "used" }), 1);
  await nc.close();
  await until(() => openSockets() === 0, "the socket is closed");
  sdk2.api.context.disable();

  assert.equal(starts[0]?.background, false);
  assert.equal(new Set(starts.map(({ owner }) => owner)).size, 1);
  assert.equal(typeof starts[0]?.owner, "object");
  assert.ok(starts.length >= 2 && starts.slice(1).every(({ background }) => background));
  assert.deepEqual(recorder.open, []);
  const tree = spanTree(recorder.started, { [server.wsPort]: "$port" });
  assert.ok(
    tree.startsWith(
      `
start-up
  dial dialer.attempt.count=1 dialer.name=default dialer.outcome=success network.transport=tcp server.address=127.0.0.1 server.port=$port
    attempt dialer.attempt.number=1 dialer.endpoint=127.0.0.1:$port
      connect`.trimStart(),
    ),
    tree,
  );
  assert.match(tree, /\n {6}protocol handshake network\.protocol\.name=websocket$/m);
  assert.match(tree, /\ndial .*dialer\.outcome=success/, "the reconnect is a trace of its own");
  assert.equal(
    (await scrape(registry)).value("dialer_connection_count", { ...label, dialer_connection_state: "used" }),
    0,
  );
});

test("wsFactory keeps data that arrives in one packet with the upgrade", async () => {
  await using server = await ownServer();
  for (let round = 0; round < 50; round += 1) {
    const factory = wsFactory({ dialer: compose(tcp()) });
    const nc = await wsconnect({ servers: `ws://${server.address}`, wsFactory: factory, timeout: 20_000 });
    assert.equal(nc.info?.server_id, "own");
    await nc.close();
  }
});

const statuses: [number, string][] = [
  [301, "protocol"],
  [400, "protocol"],
  [401, "auth_failed"],
  [403, "auth_failed"],
  [404, "protocol"],
  [429, "server_limit"],
  [500, "_OTHER"],
  [502, "unreachable"],
  [503, "server_limit"],
  [504, "unreachable"],
];
for (const [status, expected] of statuses) {
  test(`wsFactory fails with ${expected} if the server answers ${status} to the upgrade`, async () => {
    await using server = await httpPeer((socket) => {
      socket.write(`HTTP/1.1 ${status} No\r\nLocation: ws://elsewhere/\r\nContent-Length: 5\r\n\r\nsorry`);
    });
    const { reason, error, told } = await failing(`ws://${server.address}/`);
    assert.equal(reason, expected);
    assert.match(error.message, new RegExp(`^dial ${server.address}: the server answered ${status}`));
    assert.equal(told.message, error.message, "the client's error has the same message");
  });
}

const upgradeTo = (lines: string) => httpPeer((socket) => socket.write(`HTTP/1.1 101 Yes\r\n${lines}\r\n\r\n`));
const failures: [string, () => Promise<{ address: string; close(): Promise<void> }>, string][] = [
  [
    "a port without a server",
    async () => ({ address: `127.0.0.1:${await freePort()}`, close: async () => {} }),
    "refused",
  ],
  ["a server that resets", resettingPeer, "reset"],
  ["a server that closes at once", () => peer((socket) => socket.resume().end()), "handshake_closed"],
  ["a server that closes within its answer", () => httpPeer((socket) => socket.end("HTTP/1.1 10")), "handshake_closed"],
  ["a server that closes after the request", () => httpPeer((socket) => socket.end()), "handshake_closed"],
  ["a server of another protocol", () => peer((socket) => socket.resume().write(infoLine)), "protocol"],
  ["a server with a wrong key", () => upgradeTo("Upgrade: websocket\r\nSec-WebSocket-Accept: no"), "protocol"],
  ["a server that upgrades to something else", () => upgradeTo("Upgrade: h2c\r\nConnection: Upgrade"), "protocol"],
  [
    "a server whose answer never ends",
    () =>
      httpPeer((socket) => {
        socket.write("HTTP/1.1 101 Yes\r\n");
        const more = () => {
          while (!socket.destroyed && socket.write(`X-More: ${"x".repeat(1000)}\r\n`));
        };
        socket.on("drain", more);
        more();
      }),
    "protocol",
  ],
];
for (const [what, listen, expected] of failures) {
  test(`wsFactory fails with ${expected} for ${what}`, async () => {
    const server = await listen();
    const { reason, error, told } = await failing(`ws://${server.address}`);
    assert.ok(error instanceof DialError);
    assert.equal(reason, expected, error.message);
    assert.equal(error.target, server.address);
    assert.equal(told.message, error.message);
    await server.close();
  });
}

test("wsFactory reports tls_protocol for a server without TLS and tls_closed for one that closes the handshake", async () => {
  await using plain = await startNatsWebsocket();
  assert.equal((await failing(`wss://127.0.0.1:${plain.wsPort}`)).reason, "tls_protocol");
  await using silent = await peer((socket) => socket.once("data", () => socket.end()));
  assert.equal((await failing(`wss://${silent.address}`)).reason, "tls_closed");
});

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  test(`wsFactory reports tls_client_cert when the server requires a client certificate over ${version}`, async () => {
    await using server = await tlsPeer({ ...localhost, requestCert: true, ca: ca.cert, maxVersion: version });
    const { reason } = await failing(`wss://localhost:${server.port}`, { tls: { ca: ca.cert } });
    assert.equal(reason, "tls_client_cert");
  });
}

test("a websocket dial to a silent server times out 10 ms before the client's timeout and leaves no socket", async (t) => {
  const clock = stoppedClock(t);
  await using server = await goodPeer();
  const failed = failing(`ws://${server.address}`, {}, 30_000);
  await until(() => server.accepted === 1, "the dial is in progress");
  await clock.advance(29_989);
  assert.equal(clock.pending, 1, "the dial is still in progress");
  await clock.advance(1);
  const { reason, told } = await failed;
  assert.equal(reason, "timeout");
  assert.match(told.message, /timed out/);
});

test("the client's timeout closes a websocket without INFO", async (t) => {
  await using server = await httpPeer((socket, acceptance) => socket.write(acceptance));
  const { dialer, dones } = watched(tcp());
  const factory = wsFactory({ dialer });
  const clock = stoppedClock(t);
  // The library's own timer, which the test fires when the websocket is open.
  const timeout = 15_432;
  let timeIsUp = () => {};
  const { setTimeout: start } = globalThis;
  t.mock.method(globalThis, "setTimeout", (callback: () => void, ms?: number, ...values: []) => {
    if (ms === timeout) timeIsUp = callback;
    return start(callback, ms, ...values);
  });
  const refused = assert.rejects(wsconnect({ servers: `ws://${server.address}`, wsFactory: factory, timeout }), {
    name: "TimeoutError",
  });
  await until(() => dones.length === 1, "the websocket is open");
  timeIsUp();
  await refused;
  assert.equal(clock.pending, 0, "the dial's own deadline is over");
  assert.equal(dones[0]?.outcome, "success");
  await until(() => openSockets() === 0, "no socket is left, though the server never answers the close");
});

test("the client fails at once if the server closes the websocket before INFO", async () => {
  const endings: ((socket: Socket) => unknown)[] = [
    (socket) => socket.end(),
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.end(Buffer.from([closeFrame, 0])),
    (socket) => socket.end(frame("INFO {")),
  ];
  for (const end of endings) {
    await using server = await httpPeer((socket, acceptance) => socket.write(acceptance, () => end(socket)));
    const factory = wsFactory({ dialer: compose(tcp()) });
    await assert.rejects(wsconnect({ servers: `ws://${server.address}`, wsFactory: factory }), {
      name: "ConnectionError",
      message: /the server closed the connection before INFO|reset|hang up|closed the connection before it answered/,
    });
    await until(() => openSockets() === 0, "the connection is ended");
  }
});

test("wsFactory rejects an endless INFO", async () => {
  let sent = 0;
  await using server = await httpPeer((socket, acceptance) => {
    socket.write(acceptance);
    const piece = frame("x".repeat(60_000));
    socket.write(frame("INFO {"));
    const more = () => {
      while (!socket.destroyed && socket.write(piece)) sent += piece.length;
    };
    socket.on("drain", more);
    more();
  });
  const factory = wsFactory({ dialer: compose(tcp()) });
  await assert.rejects(wsconnect({ servers: `ws://${server.address}`, wsFactory: factory }), {
    message: "the server's first line exceeds 1048576 bytes",
  });
  await until(() => openSockets() === 0, "the connection is ended");
  assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes were taken`);
});

test("a close during a websocket reconnect cancels the dial at once", async () => {
  const { dialer, dones } = watched(withRetry({ maxAttempts: Number.POSITIVE_INFINITY }), tcp());
  const server = await ownServer();
  const factory = wsFactory({ dialer });
  const nc = await wsconnect({ servers: `ws://${server.address}`, wsFactory: factory, ...eager });
  await server.close();
  await using deaf = await silentPeer();
  const { protocol } = nc as unknown as { protocol: { servers: { getServers(): { src: string }[] } } };
  for (const each of protocol.servers.getServers()) each.src = `ws://${deaf.address}`;
  await until(() => deaf.accepted === 1, "a reconnect is in progress");
  await nc.close();
  await nc.closed();
  await until(() => dones.length === 2, "the dial has ended");
  assert.deepEqual(
    dones.map(({ outcome }) => outcome),
    ["success", "canceled"],
  );
  assert.equal(dones[1]?.error instanceof Error && dones[1].error.name, "AbortError");
});

test("a frozen server does not delay the close of a websocket for long", async () => {
  await using server = await startNatsWebsocket();
  const factory = wsFactory({ dialer: compose(tcp()) });
  const nc = await wsconnect({ servers: `ws://127.0.0.1:${server.wsPort}`, wsFactory: factory });
  await server.freeze();
  await nc.close();
  await until(() => openSockets() === 0, "the socket is destroyed");
});

test("the signal of wsFactory ends dials in progress, rejects new ones and leaves open connections alone", async () => {
  await using deaf = await silentPeer();
  const abort = new AbortController();
  const { dialer, dones } = watched(tcp());
  const factory = wsFactory({ dialer, signal: abort.signal });
  const connecting = wsconnect({ servers: `ws://${deaf.address}`, wsFactory: factory });
  await until(() => deaf.accepted === 1, "the dial is in progress");
  abort.abort(new Error("shutting down"));
  await assert.rejects(connecting, { message: "shutting down" });
  await until(() => dones.length > 0, "the dial has ended");
  assert.equal(dones[0]?.outcome, "canceled");
  await assert.rejects(wsconnect({ servers: `ws://${deaf.address}`, wsFactory: factory }), {
    message: "shutting down",
  });
  assert.equal(dones.length, 1);

  await using server = await startNatsWebsocket();
  const later = new AbortController();
  const living = wsFactory({ dialer: compose(tcp()), signal: later.signal });
  const nc = await wsconnect({ servers: `ws://127.0.0.1:${server.wsPort}`, wsFactory: living });
  later.abort();
  await nc.flush();
  await nc.close();
});

test("many websocket clients with one signal add one listener and remove it after their dials", async () => {
  await using server = await ownServer();
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  const { signal } = new AbortController();
  const clients = await Promise.all(
    Array.from({ length: 30 }, () =>
      wsconnect({ servers: `ws://${server.address}`, wsFactory: wsFactory({ dialer: compose(tcp()), signal }) }),
    ),
  );
  await Promise.all(clients.map((nc) => nc.close()));
  process.off("warning", onWarning);
  assert.deepEqual(warnings, []);
});

test("the retries of wsFactory's dialer reach a server that starts late", async () => {
  await using server = await startNatsWebsocket();
  await server.stop();
  const retry = withRetry({ maxAttempts: Number.POSITIVE_INFINITY, backoff: "constant", initialBackoffMs: 20 });
  const { dialer, dones } = watched(withTimeout({ timeoutMs: 60_000 }), retry, tcp());
  const factory = wsFactory({ dialer });
  const connecting = wsconnect({ servers: `ws://127.0.0.1:${server.wsPort}`, wsFactory: factory, timeout: 60_000 });
  await server.start();
  const nc = await connecting;
  await nc.flush();
  await nc.close();
  assert.equal(dones.length, 1);
});

test("wsFactory destroys the late connection of a dialer that ignores its signal", async () => {
  await using server = await ownServer();
  const base = compose(tcp());
  let late: Promise<Socket> | undefined;
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const stubborn: Dialer = (target, { handshake } = {}) => {
    late = gate.then(() => base(target, { handshake }));
    return late;
  };
  const connecting = wsconnect({
    servers: `ws://${server.address}`,
    wsFactory: wsFactory({ dialer: stubborn }),
    timeout: 100,
  });
  await assert.rejects(connecting, { message: /timed out|timeout/ });
  go();
  await late;
  await until(() => openSockets() === 0, "the late connection is destroyed");
});

test("wsFactory rejects a dialer that runs no handshake and destroys its connection", async () => {
  await using server = await goodPeer();
  const base = tcp();
  const factory = wsFactory({ dialer: (target) => base(target) });
  await assert.rejects(wsconnect({ servers: `ws://${server.address}`, wsFactory: factory }), {
    message: "wsFactory: the dialer must run the handshake; is it composed?",
  });
  await until(() => openSockets() === 0, "its connection is destroyed");
});

test("errors of wsFactory do not show the path, query or userinfo of the URL", async () => {
  await using server = await httpPeer((socket) => socket.end("HTTP/1.1 403 No\r\n\r\n"));
  const factory = (dialer: Dialer) => wsFactory({ dialer });
  const { dialer, dones } = watched(tcp());
  const refused = await freePort();
  for (const url of [
    `ws://user:hunter2@${server.address}/hunter2?token=hunter2#hunter2`,
    `ws://user:hunter2@127.0.0.1:${refused}/hunter2?token=hunter2`,
    `http://user:hunter2@${server.address}/`,
    "ws://user:hunter2@127.0.0.1:99999/",
    "ws://user:hunter2@127.0.0.1:0/hunter2",
    "ws://user:hunter2@/",
  ]) {
    // Called directly, because wsconnect removes the userinfo.
    const { socket } = await factory(dialer)(url, { timeout: 5000 });
    const message = await new Promise<string>((resolve) => {
      socket.onerror = (event: unknown) => resolve(JSON.stringify(event) + (event as { error: Error }).error.stack);
    });
    assert.ok(!message.includes("hunter2"), message);
  }
  assert.equal(dones.length, 2);
  await until(() => openSockets() === 0, "all sockets are closed");
});

const badOptions: [string, unknown, RegExp][] = [
  ["no options", undefined, /wsFactory: options must be an object, got undefined/],
  ["dialer", { dialer: 1 }, /wsFactory: dialer must be a function, got 1/],
  ["signal", { dialer() {}, signal: {} }, /wsFactory: signal must be an AbortSignal, got an object/],
  ["tls", { dialer() {}, tls: true }, /wsFactory: tls must be options, got true/],
  ["a misspelled option", { dialer() {}, singal: 1 }, /wsFactory: unknown option singal/],
];
for (const [what, options, message] of badOptions) {
  test(`wsFactory names the invalid option: ${what}`, () => {
    assert.throws(() => wsFactory(options as never), { name: "TypeError", message });
  });
}
