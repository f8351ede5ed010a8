import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientTrace } from "../../src/client/client-trace.ts";
import type { Logger } from "../../src/index.ts";
import { natsLog } from "../../src/nats.ts";
import { playedClient } from "../telemetry/clients.ts";

const server = "127.0.0.1:4222";
const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

/** A connected client with natsLog, and the lines logged so far. */
function logged(name: string | undefined = "orders") {
  const lines: string[] = [];
  const logger: Logger = {
    info: (line) => lines.push(`info ${line}`),
    warn: (line) => lines.push(`warn ${line}`),
  };
  return { lines, ...playedClient(natsLog(logger), { state: "connected", ...(name && { name }) }) };
}

type Told = { [N in keyof ClientTrace]: Parameters<NonNullable<ClientTrace[N]>>[0] };

const table: readonly (readonly [keyof ClientTrace, Told[keyof ClientTrace], string])[] = [
  [
    "connect",
    { server, identity: { id: "NA", name: "n1", version: "2.9.10", cluster: "east" } },
    `info NATS client "orders" connected to ${server} (n1 2.9.10 of cluster east)`,
  ],
  ["connect", { server, identity: {} }, `info NATS client "orders" connected to ${server}`],
  [
    "disconnect",
    { server, reason: "reset", error: reset },
    `warn NATS client "orders" lost ${server}: reset (read ECONNRESET)`,
  ],
  ["disconnect", { server, reason: "stale" }, `warn NATS client "orders" lost ${server}: stale`],
  ["disconnect", { server, reason: "drain" }, `info NATS client "orders" left ${server}: drain`],
  ["disconnect", { server, reason: "local" }, `info NATS client "orders" left ${server}: local`],
  ["disconnect", { server, reason: "forced" }, `info NATS client "orders" left ${server}: forced`],
  ["reconnectAttempt", { server, attempt: 2 }, `info NATS client "orders" reconnecting to ${server}, attempt 2`],
  [
    "reconnect",
    { server, identity: { name: "n2" }, outageMs: 12_340, attempts: 3 },
    `info NATS client "orders" reconnected to ${server} (n2) after 12.3 s and 3 attempts`,
  ],
  [
    "reconnect",
    { server, identity: {}, outageMs: 61.7, attempts: 1 },
    `info NATS client "orders" reconnected to ${server} after 62 ms and 1 attempt`,
  ],
  [
    "serversChange",
    { added: ["b:4222", "c:4222"], removed: ["a:4222"] },
    'info NATS client "orders" updated its servers: +b:4222, +c:4222, -a:4222',
  ],
  ["lameDuck", { server }, `info NATS client "orders" is connected to ${server}, which is about to shut down`],
  ["stale", { server }, `warn NATS client "orders" closes the connection to ${server}: pings are not answered`],
  ["forcedReconnect", { server }, `info NATS client "orders" leaves ${server} to reconnect, as requested`],
  ["slowConsumer", { pending: 70 }, 'warn NATS client "orders" is a slow consumer: 70 messages pending'],
  [
    "error",
    { kind: "permission_publish", error: new Error('Permissions Violation for Publish to "a"') },
    'warn NATS client "orders" received an error (permission_publish): Permissions Violation for Publish to "a"',
  ],
  [
    "publishRejected",
    { limitBytes: 8_388_608 },
    'warn NATS client "orders" rejects messages while disconnected: the buffer of 8388608 bytes is full',
  ],
  [
    "publishRejected",
    { limitBytes: -1 },
    'warn NATS client "orders" rejects messages while disconnected: buffering is off',
  ],
];
for (const [name, info, line] of table) {
  test(`natsLog logs ${name} as: ${line}`, () => {
    const { lines, events } = logged();
    events.emit(name, info as never);
    assert.deepEqual(lines, [line]);
  });
}

test("natsLog writes NATS client for a client without a name", () => {
  const { lines, events } = logged("");
  events.emit("stale", { server });
  assert.deepEqual(lines, [`warn NATS client closes the connection to ${server}: pings are not answered`]);
});

test("natsLog logs draining and closing and no measurements", () => {
  const { lines, events } = logged();
  events.emit("rtt", { durationMs: 1 });
  events.enter("reconnecting");
  events.enter("connected");
  events.enter("draining");
  events.close(undefined);
  assert.deepEqual(lines, ['info NATS client "orders" is draining', 'info NATS client "orders" is closed']);
});

test("natsLog logs why a client gave up, and an aborted client as closed", () => {
  const gaveUp = logged();
  gaveUp.events.close(reset);
  assert.deepEqual(gaveUp.lines, ['warn NATS client "orders" is closed after giving up: read ECONNRESET']);
  const aborted = logged();
  aborted.events.close(new DOMException("enough", "AbortError"));
  assert.deepEqual(aborted.lines, ['info NATS client "orders" is closed']);
});

test("natsLog logs how many messages are unconfirmed after a loss, and how many are dropped at the end", () => {
  const loss = logged();
  loss.events.emit("disconnect", { server, reason: "reset", error: reset, unconfirmed: 12 });
  loss.events.emit("disconnect", { server, reason: "reset", error: reset, unconfirmed: 0 });
  loss.events.close(reset, { dropped: 1, unconfirmed: 12 });
  assert.deepEqual(loss.lines, [
    `warn NATS client "orders" lost ${server}: reset (read ECONNRESET), 12 messages unconfirmed`,
    `warn NATS client "orders" lost ${server}: reset (read ECONNRESET)`,
    'warn NATS client "orders" is closed after giving up: read ECONNRESET, 1 message dropped',
  ]);
  const closed = logged();
  closed.events.close(undefined, { dropped: 3, unconfirmed: 0 });
  assert.deepEqual(closed.lines, ['warn NATS client "orders" is closed, 3 messages dropped']);
});

test("natsLog warns once per outage of rejected messages", () => {
  const { lines, events } = logged();
  const publish = () => {
    for (let count = 0; count < 1000; count += 1) events.emit("publishRejected", { limitBytes: -1 });
  };
  publish();
  assert.equal(lines.length, 1);
  events.enter("reconnecting");
  publish();
  assert.equal(lines.length, 1);
  events.enter("connected");
  publish();
  assert.equal(lines.length, 2);
});

test("natsLog keeps clients that share a logger apart", () => {
  const lines: string[] = [];
  const observer = natsLog({ info: (line) => lines.push(line), warn: (line) => lines.push(line) });
  for (const name of ["a", "b"]) {
    playedClient(observer, { name }).events.emit("publishRejected", { limitBytes: -1 });
  }
  assert.deepEqual(
    lines.map((line) => line.slice(0, 15)),
    ['NATS client "a"', 'NATS client "b"'],
  );
});

test("natsLog escapes line breaks in a server's message", () => {
  const { lines, events } = logged("a\nb");
  events.emit("connect", { server, identity: { name: "n1\r\nwarn forged", version: "2\u2028forged" } });
  events.emit("error", { kind: "other", error: new Error("first\nsecond\u001b[31m") });
  assert.deepEqual(lines, [
    `info NATS client "a\\nb" connected to ${server} (n1\\r\\nwarn forged 2\\u2028forged)`,
    'warn NATS client "a\\nb" received an error (other): first\\nsecond\\u001b[31m',
  ]);
});

test("natsLog refuses a logger without info or warn", () => {
  for (const logger of [null, {}, { info() {} }, 7]) {
    assert.throws(() => natsLog(logger as never), {
      name: "TypeError",
      message: /natsLog: logger must have the methods info and warn, got /,
    });
  }
});
