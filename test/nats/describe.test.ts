import assert from "node:assert/strict";
import { after, test } from "node:test";
import { compose, type Dialer, tcp, withRetry, withTimeout } from "../../src/index.ts";
import { eager } from "../support/nats-client.ts";
import { connect, describeConnect as describe } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { freePort } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

const never = Number.POSITIVE_INFINITY;
const retries = (maxAttempts: number) =>
  withRetry({ maxAttempts, backoff: "constant", initialBackoffMs: 1, jitter: "none" });

/** A dialer that counts the calls of its base. */
function counting(maxAttempts: number): { dialer: Dialer; calls: () => number } {
  let calls = 0;
  const tcpDialer = tcp();
  const base: Dialer = (target, options) => {
    calls += 1;
    return tcpDialer(target, options);
  };
  const dialer = compose(retries(maxAttempts), withTimeout({ timeoutMs: 5_000 }), base);
  return { dialer, calls: () => calls };
}

test("the attempts that describe names for reconnects are those of a client whose servers are all gone", async () => {
  await using server = await startNats();
  const { dialer, calls } = counting(2);
  const servers = [server.address, `127.0.0.1:${await freePort()}`];
  const options = { servers, dialer, ...eager, maxReconnectAttempts: 3, noRandomize: true, ignoreClusterUpdates: true };
  const nc = await connect(options);
  const before = calls();
  await server.stop();
  await nc.closed();
  assert.equal(calls() - before, describe(options).worstCase.attempts);
  assert.equal(calls() - before, 2 * 3 * 2);
});

test("the attempts that describe names for the first connect are those of a client that reaches no server", async () => {
  const { dialer, calls } = counting(3);
  const servers = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  await assert.rejects(connect({ servers, dialer }));
  assert.equal(calls(), describe({ servers, dialer }).firstConnect.attempts);
  assert.equal(calls(), 2 * 3);
});

test("describe prints the client's retries and timeout above the dialer's layers, without userinfo", () => {
  const dialer = compose(withTimeout({ timeoutMs: 30_000 }), retries(2), withTimeout({ timeoutMs: 1_000 }), tcp());
  const description = describe("nats://user:secret@a:4222, tls://b", {
    dialer,
    maxReconnectAttempts: 10,
    token: "secret",
  });
  assert.deepEqual(String(description).split("\n"), [
    "connect  servers: [a:4222, b:4222], maxReconnectAttempts: 10",
    "└ timeout  timeoutMs: 20000",
    "  └ dialTimeout",
    "    └ withTimeout  timeoutMs: 30000",
    "      └ withRetry  maxAttempts: 2, backoff: constant, initialBackoffMs: 1, jitter: none",
    "        └ withTimeout  timeoutMs: 1000",
    "          └ tcp",
    "first connect: at most 4 attempts in at most 4002 ms",
    "after a loss: at most 40 attempts in at most 107770 ms (2 servers × 10 reconnect attempts × 2 of the dialer)",
    "warning: connect is above withRetry: their attempts multiply, up to 20 × 2; retry in one place",
    "warning: withTimeout (timeoutMs: 30000) is longer than timeout (timeout: 20000) above it, which ends the dial first",
  ]);
  assert.doesNotMatch(JSON.stringify(description), /secret/);
});

test("describe reads the limits of a client from its options", () => {
  const bound = { dialer: compose(withTimeout({ timeoutMs: 100 }), tcp()) };
  const rows = [
    [
      { ...bound },
      { timeMs: 100, attempts: 1 },
      { timeMs: 60 * 100 + 250 + 500 + 1_000 + 2_000 + 56 * 4_000, attempts: 60 },
    ],
    [
      { ...bound, maxReconnectAttempts: -1 },
      { timeMs: 100, attempts: 1 },
      { timeMs: never, attempts: never },
    ],
    [
      { ...bound, reconnect: false },
      { timeMs: 100, attempts: 1 },
      { timeMs: 0, attempts: 0 },
    ],
    [
      { ...bound, timeout: 50, maxReconnectAttempts: 2, reconnectTimeWait: 10, reconnectJitter: 5 },
      { timeMs: 50, attempts: 1 },
      { timeMs: 2 * 65, attempts: 2 },
    ],
    [
      { ...bound, retryOnFailedConnect: true, maxReconnectAttempts: 1 },
      { timeMs: never, attempts: never },
      { timeMs: 350, attempts: 1 },
    ],
    [
      { ...bound, connectInBackground: true, connectDeadlineMs: 30, maxReconnectAttempts: 1 },
      { timeMs: 30, attempts: never },
      { timeMs: 350, attempts: 1 },
    ],
    [
      { maxReconnectAttempts: 1, reconnectDelayHandler: () => 5 },
      { timeMs: 20_000, attempts: 1 },
      { timeMs: never, attempts: 1 },
    ],
  ] as const;
  for (const [options, firstConnect, worstCase] of rows) {
    const described = describe(options as Parameters<typeof describe>[0] as never);
    assert.deepEqual({ ...described.firstConnect }, firstConnect, JSON.stringify(options));
    assert.deepEqual({ ...described.worstCase }, worstCase, JSON.stringify(options));
  }
});

test("describe refuses the options that connect refuses, and dials nothing", () => {
  const { dialer, calls } = counting(1);
  assert.throws(
    () => describe({ dialer, maxReconnectAttempt: 5 } as never),
    /^TypeError: connect: unknown option maxReconnectAttempt/,
  );
  assert.throws(() => describe({ dialer, servers: "ws://a" }), /^TypeError: connect: servers: websockets/);
  assert.throws(() => describe({ dialer: tcp as never }), /^TypeError: connect: dialer must be a dialer/);
  assert.throws(() => describe("a", { servers: "b" } as never), /^TypeError: connect: servers are given twice/);
  describe({ dialer });
  assert.equal(calls(), 0);
});

test("describe refuses each value that connect refuses, with the same error", async () => {
  const { dialer, calls } = counting(1);
  const rows: readonly object[] = [
    { timeout: -5 },
    { timeout: Number.POSITIVE_INFINITY },
    { pingInterval: -5 },
    { maxReconnectAttempts: "5" },
    { reconnectTimeWait: -1 },
    { reconnectJitter: -1, reconnectDelayHandler: () => 5 },
    { reconnectDelayHandler: 5 },
    { reconnectBufSize: -5 },
    { connectDeadlineMs: 0 },
    { rttIntervalMs: 0 },
    { connectInBackground: 1 },
    { retryOnFailedConnect: 1 },
    { signal: new AbortController() },
    { trace: 5 },
    { onError: 5 },
    { creds: 5 },
    { creds: "a", nkeySeed: "b" },
    { nkeySeed: new Uint8Array(3) },
    { authenticator: 5 },
    { authenticator: tcp },
    { inboxPrefix: "a.>" },
    { servers: ["a:0"] },
    { servers: ["unix:/a"] },
    { servers: "a", port: 4222 },
    { port: 70_000 },
    { tls: { caFile: 5 } },
    { name: 5 },
  ];
  for (const row of rows) {
    const options = { dialer, ...row } as Parameters<typeof describe>[0] as never;
    const refused: Error = await connect(options).then(
      () => assert.fail(`connect accepts ${JSON.stringify(row)}`),
      (error) => error,
    );
    assert.throws(
      () => describe(options),
      ({ name, message, code }: NodeJS.ErrnoException) => {
        assert.deepEqual(
          [name, message, code],
          [refused.name, refused.message, (refused as NodeJS.ErrnoException).code],
        );
        return true;
      },
      JSON.stringify(row),
    );
  }
  assert.equal(calls(), 0);
});
