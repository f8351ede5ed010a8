import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import { systemClock } from "../../src/async/clock.ts";
import { Deadline } from "../../src/async/deadline.ts";
import {
  type Clock,
  compose,
  type DialError,
  type Dialer,
  type DialOptions,
  DialTimeoutError,
  httpProxy,
  type PoolTimeoutError,
  pool,
  socksProxy,
  tcp,
  tls,
  withConcurrencyLimit,
  withRetry,
  withTimeout,
} from "../../src/index.ts";
import { wsFactory } from "../../src/nats-ws.ts";
import { fakeClock } from "../../src/testing.ts";
import { blockingDialer, blockLoop } from "../support/block.ts";
import { blackHole } from "../support/full-backlog.ts";
import { connect } from "../support/nats-line.ts";
import { freePort, goodPeer, silentPeer } from "../support/peers.ts";
import { openTimers, until } from "../support/resources.ts";
import { serverThread } from "../support/server-thread.ts";

const timeoutMs = 200;
const blockedMs = 600;
const dials = 20;

/**
 * Blocks the event loop for three times the timeout. A pause of the process shortens a single slice, so that the kernel
 * and other threads have the rest of the time.
 */
function block(): void {
  for (let blocked = 0; blocked < blockedMs; blocked += 20) blockLoop(20);
}

/** A clock that stands still until `start()`: a pause of the process before it costs no time of a timeout. */
function clockToStart(): Clock & { start(): void } {
  type Timer = { running?: unknown };
  const waiting = new Map<Timer, () => void>();
  let startedAt: number | undefined;
  return {
    now: () => (startedAt === undefined ? 0 : systemClock.now() - startedAt),
    setTimeout(callback, ms) {
      const timer: Timer = {};
      const run = () => {
        timer.running = systemClock.setTimeout(callback, ms);
      };
      if (startedAt === undefined) waiting.set(timer, run);
      else run();
      return timer;
    },
    clearTimeout(timer) {
      waiting.delete(timer as Timer);
      systemClock.clearTimeout((timer as Timer).running);
    },
    start() {
      startedAt = systemClock.now();
      for (const run of waiting.values()) run();
      waiting.clear();
    },
  };
}

/** Starts `begin` 20 times, then blocks the event loop. Returns the outcomes. */
async function outcomesOf(begin: () => Promise<unknown>): Promise<{ counts: Record<string, number>; errors: Error[] }> {
  const timers = openTimers();
  const errors: Error[] = [];
  const work = Array.from({ length: dials }, () =>
    begin().then(
      () => "success",
      (error: DialError) => {
        errors.push(error);
        return error.reason;
      },
    ),
  );
  block();
  const counts: Record<string, number> = {};
  for (const outcome of await Promise.all(work)) counts[outcome] = (counts[outcome] ?? 0) + 1;
  await until(() => openTimers() <= timers, "no timer is left");
  return { counts, errors };
}

async function dialed(dial: Dialer, target: string, options?: DialOptions<Socket>): Promise<void> {
  const conn = await dial(target, options);
  conn.destroy();
}

const bounds: Readonly<Record<string, () => Dialer>> = {
  "withTimeout above withRetry": () => compose(withTimeout({ timeoutMs }), withRetry(), tcp()),
  "withTimeout below withRetry": () => compose(withRetry({ maxAttempts: 1 }), withTimeout({ timeoutMs }), tcp()),
  "the timeoutMs of a dial": () => {
    const dial = compose(tcp());
    return (target, options) => dial(target, { ...options, timeoutMs });
  },
  "the timeoutMs of tcp()": () => compose(tcp({ timeoutMs })),
  "nested timeouts": () => compose(withTimeout({ timeoutMs }), tcp({ timeoutMs })),
};

for (const [bound, make] of Object.entries(bounds)) {
  describe(`${bound} after a blocked event loop`, () => {
    test(`${bound} reports 20 refused dials as refused after a blocked event loop`, async () => {
      const port = await freePort();
      const { counts } = await outcomesOf(() => dialed(make(), `127.0.0.1:${port}`));
      assert.deepEqual(counts, { refused: dials });
    });

    test(`${bound} reports 20 dials to a name as refused when all addresses refuse during a blocked event loop`, async () => {
      const port = await freePort();
      const { counts } = await outcomesOf(() => dialed(make(), `localhost:${port}`));
      assert.deepEqual(counts, { refused: dials });
    });

    test(`${bound} lets 20 dials succeed that connected during a blocked event loop`, async () => {
      await using server = await goodPeer();
      const { counts } = await outcomesOf(() => dialed(make(), server.address));
      assert.deepEqual(counts, { success: dials });
    });

    test(`${bound} ends 20 dials to a black hole with timeouts that contain the delay of the event loop`, async () => {
      await using hole = await blackHole();
      const { counts, errors } = await outcomesOf(() => dialed(make(), `127.0.0.1:${hole.port}`));
      assert.deepEqual(counts, { timeout: dials });
      for (const error of errors) assertLate(error);
    });
  });
}

function assertLate(error: unknown): void {
  assert.ok(error instanceof DialTimeoutError, String(error));
  // The upper limit is generous, because some work begins while the loop is already blocked.
  assert.ok(error.lateByMs >= 100 && error.lateByMs < 60_000, `${error.lateByMs}`);
  assert.match(error.message, new RegExp(`\\(the event loop was blocked: ${error.lateByMs} ms late\\)`));
}

describe("timeouts of phases after a blocked event loop", () => {
  for (const [kind, make, answer, outcome] of [
    [
      "httpProxy",
      (proxy: string) => httpProxy({ proxy: `http://${proxy}`, timeoutMs }),
      "HTTP/1.1 200 OK\r\n\r\n",
      "success",
    ],
    [
      "httpProxy",
      (proxy: string) => httpProxy({ proxy: `http://${proxy}`, timeoutMs }),
      "HTTP/1.1 403 No\r\n\r\n",
      "proxy_rejected",
    ],
    ["socksProxy", (proxy: string) => socksProxy({ proxy: `socks5h://${proxy}`, timeoutMs }), "\x05\xff", "proxy_auth"],
  ] as const) {
    test(`the timeout of ${kind} accepts the answer ${JSON.stringify(answer)} that arrived during a blocked event loop`, async () => {
      await using proxy = await serverThread({ answer, afterMs: 100 });
      const dial = compose(make(`127.0.0.1:${proxy.port}`));
      const clock = clockToStart();
      const dialing = dialed(dial, "db.test:5432", { clock }).then(
        () => "success",
        (error: DialError) => error.reason,
      );
      // The proxy is connected and has received the request.
      await proxy.asked;
      clock.start();
      block();
      assert.equal(await dialing, outcome);
    });
  }

  test("the handshake timeout of tls contains the delay of the event loop", async () => {
    await using server = await silentPeer();
    const clock = clockToStart();
    let begun = false;
    const tlsHandshakeStart = () => {
      begun = true;
    };
    const dialing = compose(tls({ handshakeTimeoutMs: timeoutMs }))(server.address, {
      clock,
      trace: { tlsHandshakeStart },
    });
    await until(() => begun, "the handshake has begun");
    clock.start();
    block();
    await assert.rejects(dialing, (error) => {
      assertLate(error);
      return true;
    });
  });
});

describe("timeouts of waits after a blocked event loop", () => {
  test("acquireTimeoutMs of a pool leases connections that were established during a blocked event loop", async () => {
    await using server = await goodPeer();
    await using connections = pool({ dialer: compose(tcp()), acquireTimeoutMs: timeoutMs, maxOpen: dials });
    const { counts } = await outcomesOf(async () => (await connections.acquire(server.address)).release());
    assert.deepEqual(counts, { success: dials });
  });

  test("a PoolTimeoutError contains the delay of the event loop", async () => {
    await using server = await goodPeer();
    await using connections = pool({ dialer: compose(tcp()), acquireTimeoutMs: timeoutMs, maxOpen: 1 });
    const lease = await connections.acquire(server.address);
    const { errors } = await outcomesOf(async () => (await connections.acquire(server.address)).release());
    assert.equal(errors.length, dials);
    for (const error of errors as PoolTimeoutError[]) {
      assert.equal(error.name, "PoolTimeoutError");
      assert.ok(error.lateByMs >= 100, `${error.lateByMs}`);
      assert.match(error.message, /the event loop was blocked/);
    }
    lease.release();
  });

  test("waitTimeoutMs of withConcurrencyLimit passes on a slot that was released during a blocked event loop", async () => {
    await using server = await goodPeer();
    const limit = withConcurrencyLimit({ maxConcurrent: dials / 2, waitTimeoutMs: timeoutMs });
    const dial = compose(limit, tcp());
    const { counts } = await outcomesOf(() => dialed(dial, server.address));
    assert.deepEqual(counts, { success: dials });
  });

  test("a timeout of withConcurrencyLimit contains the delay of the event loop", async () => {
    await using hole = await blackHole();
    const limit = withConcurrencyLimit({ maxConcurrent: 1, waitTimeoutMs: timeoutMs });
    const dial = compose(limit, tcp({ timeoutMs: 2000 }));
    const { errors } = await outcomesOf(() => dialed(dial, `127.0.0.1:${hole.port}`));
    const refused = errors.filter((error) => /timed out after 200 ms/.test(error.message));
    assert.equal(refused.length, dials - 1);
    for (const { message } of refused) assert.match(message, /the event loop was blocked: \d+ ms late/);
  });
});

describe("timeouts of connect() after a blocked event loop", () => {
  for (const bound of [{ timeout: timeoutMs }, { connectDeadlineMs: timeoutMs }]) {
    test(`${Object.keys(bound)} of connect reports a refusing server as refused after a blocked event loop`, async () => {
      const servers = `127.0.0.1:${await freePort()}`;
      await assert.rejects(connect({ servers, dialer: blockingDialer(blockedMs), ...bound }), { reason: "refused" });
    });

    test(`a timeout by ${Object.keys(bound)} of connect contains the delay of the event loop`, async () => {
      await using server = await silentPeer();
      const connecting = connect({ servers: server.address, dialer: blockingDialer(blockedMs), ...bound });
      await assert.rejects(connecting, (error) => {
        assertLate(error);
        return true;
      });
    });
  }

  test("timeout of wsconnect reports refused and timeout correctly after a blocked event loop", async () => {
    await using server = await silentPeer();
    for (const [port, reason] of [
      [await freePort(), "refused"],
      [server.port, "timeout"],
    ] as const) {
      const { socket } = await wsFactory({ dialer: blockingDialer(blockedMs) })(`ws://127.0.0.1:${port}`, {
        timeout: timeoutMs,
      });
      const { error } = await new Promise<{ error?: unknown }>((resolve) => {
        socket.onerror = resolve as never;
      });
      assert.equal((error as DialError).reason, reason);
    }
  });
});

test("tcp starts no second address when the first connected during a blocked event loop", async () => {
  await using server = await goodPeer();
  const lookup = (_: string, { family }: { family: 4 | 6 }, found: (error: null, all: object[]) => void) =>
    found(null, family === 4 ? [{ address: "127.0.0.1" }, { address: "127.0.0.2" }] : []);
  const started: string[] = [];
  const dial = compose(tcp({ lookup: lookup as never, connectionAttemptDelayMs: 50 }));
  const dialing = dial(`db.test:${server.port}`, {
    trace: { connectStart: ({ address }) => started.push(address.address) },
  });
  await Promise.resolve();
  block();
  (await dialing).destroy();
  assert.deepEqual(started, ["127.0.0.1"]);
});

describe("Deadline", () => {
  test("a Deadline on a fake clock calls back on time, without a turn of the event loop", async () => {
    const clock = fakeClock();
    const told: number[] = [];
    new Deadline(clock, 100, (lateByMs) => told.push(lateByMs));
    const cleared = new Deadline(clock, 100, () => assert.fail("it was cleared"));
    cleared.clear();
    await clock.advance(99);
    assert.deepEqual(told, []);
    await clock.advance(1);
    assert.deepEqual(told, [0]);
    assert.equal(clock.pending, 0);
  });

  test("a Deadline that is cleared while it waits for the sockets does not call back", async () => {
    let now = 0;
    let fire = () => {};
    const setTimeout = (callback: () => void) => {
      fire = callback;
    };
    const clock = { now: () => now, setTimeout, clearTimeout() {} };
    const deadline = new Deadline(clock, 100, () => assert.fail("it was cleared"));
    assert.equal(deadline.isLate, false);
    now = 1100;
    fire();
    assert.equal(deadline.isLate, true);
    assert.equal(deadline.lateByMs, 1000);
    deadline.clear();
    assert.equal(deadline.isLate, false);
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  });
});
