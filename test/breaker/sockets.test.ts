import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { BreakerOpenError, withBreaker } from "../../src/breaker.ts";
import { compose, tcp, withTimeout, withTrace } from "../../src/index.ts";
import { fakeClock } from "../../src/testing.ts";
import { freePort } from "../support/peers.ts";
import { openSockets, until } from "../support/resources.ts";

test("a breaker opens when a server stops, and a probe closes it when the server is back", async () => {
  const port = await freePort();
  const target = `127.0.0.1:${port}`;
  const breaker = withBreaker({ breaker: { consecutive: 3 }, halfOpenAfterMs: 1000 });
  const clock = fakeClock();
  const changes: string[] = [];
  let attempts = 0;
  const hooks = withTrace({
    attemptStart: () => {
      attempts += 1;
    },
    breakerChange: ({ state, previous }) => changes.push(`${previous} > ${state}`),
  });
  const dial = compose(hooks, clock.layer, breaker, withTimeout({ timeoutMs: 5000 }), tcp());
  for (let each = 0; each < 3; each += 1) await assert.rejects(dial(target), { reason: "refused" });
  assert.equal(breaker.state(target), "open");

  /** Waits for retryAfterMs: the next dial is the probe. */
  const waited = async () => {
    const rejected = await dial(target).catch((error: unknown) => error);
    assert.ok(rejected instanceof BreakerOpenError, String(rejected));
    assert.equal(rejected.code, "ECONNREFUSED");
    assert.equal(rejected.retryAfterMs, 1000);
    await clock.advance(rejected.retryAfterMs);
  };
  await waited();
  await assert.rejects(dial(target), { reason: "refused" });
  assert.equal(breaker.state(target), "open");
  assert.equal(attempts, 4);

  const accepted = new Set<Socket>();
  const server = createServer((socket) => accepted.add(socket)).listen(port, "127.0.0.1");
  await once(server, "listening");
  try {
    await waited();
    const ended = await Promise.allSettled(Array.from({ length: 20 }, () => dial(target)));
    const sockets = ended.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    assert.equal(sockets.length, 1, "one probe is admitted");
    assert.equal(breaker.state(target), "closed");
    sockets.push(...(await Promise.all(Array.from({ length: 20 }, () => dial(target)))));
    await until(() => accepted.size === 21, "the server has accepted all admitted dials");
    assert.equal(attempts, 25);
    assert.deepEqual(changes, [
      "closed > open",
      "open > half_open",
      "half_open > open",
      "open > half_open",
      "half_open > closed",
    ]);
    for (const socket of sockets) socket.destroy();
  } finally {
    for (const socket of accepted) socket.destroy();
    server.close();
    await once(server, "close");
  }
  await until(() => openSockets() === 0, "no socket is left");
});
