import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { after, test } from "node:test";
import { compose, tcp, withRetry, withTimeout } from "../../src/index.ts";
import { connect, stockConnect } from "../support/nats-line.ts";
import { silentPeer } from "../support/peers.ts";
import { openTimers, until } from "../support/resources.ts";

const connects = 50;
const timeout = 20;

after(() => process.removeAllListeners("unhandledRejection"));

test(`${connects} connects that time out on a silent server leave no socket, timer or listener`, async (t) => {
  await using server = await silentPeer();
  const timersBefore = openTimers();
  const abort = new AbortController();
  const dialer = compose(withTimeout({ timeoutMs: 5_000 }), withRetry(), withTimeout({ timeoutMs: 4_000 }), tcp());
  const all = Array.from({ length: connects }, () =>
    assert.rejects(
      connect({ servers: server.address, dialer, timeout, signal: abort.signal, connectDeadlineMs: 10_000 }),
      { name: "DialTimeoutError" },
    ),
  );
  await Promise.all(all);
  await until(() => server.accepted === connects, "every connect reaches the server");
  await until(() => server.open.size === 0, "the server sees every connection closed");
  assert.equal(openTimers(), timersBefore, "timers");
  assert.deepEqual(getEventListeners(abort.signal, "abort"), [], "listeners on the signal");
  t.diagnostic(`ours: ${server.open.size} of ${connects} sockets left open`);
});

test("connects of stock transport-node that time out on a silent server leave every socket open", async (t) => {
  await using server = await silentPeer();
  const all = Array.from({ length: connects }, () =>
    assert.rejects(stockConnect({ servers: server.address, timeout })),
  );
  await Promise.all(all);
  await until(() => server.accepted === connects, "every connect reaches the server");
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(server.open.size, connects, "the client's own connect no longer leaks: update the README");
  t.diagnostic(`stock: ${server.open.size} of ${connects} sockets left open`);
});
