import assert from "node:assert/strict";
import { after, test } from "node:test";
import { reconnectDelay } from "../../src/nats/reconnect-delay.ts";
import { connect } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { openSockets, openTimers, until } from "../support/resources.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

test("the default reconnect delay is full jitter over 250 ms, doubling to 4 s", () => {
  const delay = reconnectDelay({});
  const bounds = [250, 500, 1_000, 2_000, 4_000, 4_000];
  for (const [index, bound] of bounds.entries()) {
    const waits = Array.from({ length: 2_000 }, () => delay(index + 1, undefined, 0));
    assert.ok(waits.every((wait) => wait >= 0 && wait < bound));
    // The delays cover the whole range: 2,000 delays that all miss one tenth of it have odds of 1 in 10^91.
    assert.ok(Math.min(...waits) < bound * 0.1 && Math.max(...waits) > bound * 0.9);
  }
});

test("with reconnectTimeWait the delay and its jitter count from the last attempt at the same server", () => {
  const exact = reconnectDelay({ reconnectTimeWait: 50, reconnectJitter: 0 });
  assert.deepEqual(
    [0, 20, 50, 60, Number.POSITIVE_INFINITY].map((since) => exact(1, undefined, since)),
    [50, 30, 0, 0, 0],
  );
  for (const [options, least, most] of [
    [{ reconnectJitter: 0 }, 2_000, 2_000],
    [{ reconnectTimeWait: 5 }, 5, 105],
    [{ reconnectTimeWait: 5, tls: {} }, 5, 1_005],
    [{ reconnectTimeWait: 5, reconnectJitterTLS: 7, tls: {} }, 5, 12],
  ] as const) {
    const delay = reconnectDelay(options);
    const waits = Array.from({ length: 500 }, () => delay(1, undefined, 0));
    const spread = `${Math.min(...waits)} to ${Math.max(...waits)}`;
    assert.ok(Math.min(...waits) >= least && Math.max(...waits) <= most, spread);
    assert.ok(Math.max(...waits) - Math.min(...waits) >= (most - least) * 0.5, spread);
  }
});

test("reconnectDelayHandler replaces reconnectTimeWait and its jitter, which are still checked", () => {
  const options = { reconnectTimeWait: 2_000, reconnectJitter: 100, reconnectJitterTLS: 1_000 };
  const delay = reconnectDelay({ ...options, reconnectDelayHandler: (attempt) => attempt * 7 });
  assert.deepEqual(
    [1, 2, 3].map((attempt) => delay(attempt, undefined, 0)),
    [7, 14, 21],
  );
  for (const name of ["reconnectTimeWait", "reconnectJitter", "reconnectJitterTLS"]) {
    const broken = { reconnectDelayHandler: () => 7, [name]: -1 };
    assert.throws(() => reconnectDelay(broken), new RegExp(`connect: ${name} must be`));
  }
});

test("an invalid return value of reconnectDelayHandler is named in the error", () => {
  const delay = reconnectDelay({ reconnectDelayHandler: () => Number.NaN });
  assert.throws(
    () => delay(3, undefined, 0),
    /reconnectDelayHandler\(3, error\) must be a number of milliseconds.* got NaN/,
  );
});

test("reconnectDelayHandler is called for each attempt, including the first, with the previous error", async () => {
  await using server = await startNats();
  const asked: [number, string][] = [];
  let back = 0;
  const nc = await connect({
    servers: server.address,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: (attempt, error) => {
      asked.push([attempt, error instanceof Error ? error.message : String(error)]);
      return 5;
    },
    onReconnect: () => {
      back += 1;
    },
  });
  assert.equal(asked.length, 0, "the first connect has no delay");
  await server.stop();
  await until(() => asked.length >= 3, "it continues its attempts");
  await server.start();
  await until(() => back === 1, "the client is back");
  assert.deepEqual(
    asked.map(([attempt]) => attempt),
    asked.map((_, index) => index + 1),
  );
  assert.match(asked[1]?.[1] ?? "", /ECONNREFUSED/);

  const before = asked.length;
  await nc.reconnect();
  await until(() => asked.length > before, "it reconnects");
  assert.equal(asked[before]?.[0], 1, "the count restarts with each outage");
  await nc.close();
});

test("an error thrown by reconnectDelayHandler closes the client", async () => {
  await using server = await startNats();
  const broken = new Error("no more");
  const nc = await connect({
    servers: server.address,
    maxReconnectAttempts: 3,
    reconnectDelayHandler: () => {
      throw broken;
    },
  });
  await server.stop();
  assert.equal(await nc.closed(), broken);
});

test("close ends a reconnect delay at once and leaves no timer", async () => {
  await using server = await startNats();
  const timers = openTimers();
  let waits = 0;
  const nc = await connect({
    servers: server.address,
    reconnectDelayHandler: () => {
      waits += 1;
      return 60_000;
    },
  });
  await server.stop();
  await until(() => waits === 1, "the client waits");
  await nc.close();
  assert.equal(await nc.closed(), undefined);
  assert.equal(openTimers(), timers);
});
