import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Deadline } from "../../src/async/deadline.ts";
import {
  compose,
  type DialError,
  type Dialer,
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

/** What comes of work that is begun 20 times, right before the event loop is blocked for three times the bound. */
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
  blockLoop(blockedMs);
  const counts: Record<string, number> = {};
  for (const outcome of await Promise.all(work)) counts[outcome] = (counts[outcome] ?? 0) + 1;
  await until(() => openTimers() <= timers, "no timer is left");
  return { counts, errors };
}

async function dialed(dial: Dialer, target: string): Promise<void> {
  const conn = await dial(target);
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
  "two bounds, one in the other": () => compose(withTimeout({ timeoutMs }), tcp({ timeoutMs })),
};

for (const [bound, make] of Object.entries(bounds)) {
  describe(`${bound}, after the event loop was blocked for longer`, () => {
    test(`lets all 20 dials to a port that refuses end as refused`, async () => {
      const port = await freePort();
      const { counts } = await outcomesOf(() => dialed(make(), `127.0.0.1:${port}`));
      assert.deepEqual(counts, { refused: dials });
    });

    test("lets all 20 dials to a name whose addresses refuse end as refused", async () => {
      const port = await freePort();
      const { counts } = await outcomesOf(() => dialed(make(), `localhost:${port}`));
      assert.deepEqual(counts, { refused: dials });
    });

    test("lets all 20 dials to a port that accepts succeed", async () => {
      await using server = await goodPeer();
      const { counts } = await outcomesOf(() => dialed(make(), server.address));
      assert.deepEqual(counts, { success: dials });
    });

    test("ends all 20 dials to a black hole as timeouts that say how late the loop was", async () => {
      await using hole = await blackHole();
      const { counts, errors } = await outcomesOf(() => dialed(make(), `127.0.0.1:${hole.port}`));
      assert.deepEqual(counts, { timeout: dials });
      for (const error of errors) assertLate(error);
    });
  });
}

function assertLate(error: unknown): void {
  assert.ok(error instanceof DialTimeoutError, String(error));
  // The pause at the end is for the work that began when the loop was blocked already.
  assert.ok(error.lateByMs >= 100 && error.lateByMs < 60_000, `${error.lateByMs}`);
  assert.match(error.message, new RegExp(`\\(the event loop was blocked: ${error.lateByMs} ms late\\)`));
}

describe("a bound on a phase, after the event loop was blocked for longer,", () => {
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
    test(`of ${kind} lets a proxy's answer ${JSON.stringify(answer)} decide that came meanwhile`, async () => {
      await using proxy = await serverThread({ answer, afterMs: 100 });
      const dial = compose(make(`127.0.0.1:${proxy.port}`));
      const dialing = dialed(dial, "db.test:5432").then(
        () => "success",
        (error: DialError) => error.reason,
      );
      // The connection stands by then, and the request is on its way.
      await proxy.asked;
      blockLoop(blockedMs);
      assert.equal(await dialing, outcome);
    });
  }

  test("of tls ends a handshake with a silent peer as a timeout that says how late the loop was", async () => {
    await using server = await silentPeer();
    const dialing = compose(tls({ handshakeTimeoutMs: timeoutMs }))(server.address);
    await until(() => server.accepted === 1, "the connection stands");
    blockLoop(blockedMs);
    await assert.rejects(dialing, (error) => {
      assertLate(error);
      return true;
    });
  });
});

describe("a bound on a wait, after the event loop was blocked for longer,", () => {
  test("of a pool lets the connections have their callers that were made meanwhile", async () => {
    await using server = await goodPeer();
    await using connections = pool({ dialer: compose(tcp()), acquireTimeoutMs: timeoutMs, maxOpen: dials });
    const { counts } = await outcomesOf(async () => (await connections.acquire(server.address)).release());
    assert.deepEqual(counts, { success: dials });
  });

  test("of a pool says by how much the loop was late", async () => {
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

  test("of a concurrency limit lets a turn pass on that was given back meanwhile", async () => {
    await using server = await goodPeer();
    const limit = withConcurrencyLimit({ maxConcurrent: dials / 2, waitTimeoutMs: timeoutMs });
    const dial = compose(limit, tcp());
    const { counts } = await outcomesOf(() => dialed(dial, server.address));
    assert.deepEqual(counts, { success: dials });
  });

  test("of a concurrency limit says by how much the loop was late", async () => {
    await using hole = await blackHole();
    const limit = withConcurrencyLimit({ maxConcurrent: 1, waitTimeoutMs: timeoutMs });
    const dial = compose(limit, tcp({ timeoutMs: 2000 }));
    const { errors } = await outcomesOf(() => dialed(dial, `127.0.0.1:${hole.port}`));
    const refused = errors.filter((error) => /timed out after 200 ms/.test(error.message));
    assert.equal(refused.length, dials - 1);
    for (const { message } of refused) assert.match(message, /the event loop was blocked: \d+ ms late/);
  });
});

describe("a bound of connect(), after the event loop was blocked for longer,", () => {
  for (const bound of [{ timeout: timeoutMs }, { connectDeadlineMs: timeoutMs }]) {
    test(`${Object.keys(bound)} lets a server that refuses be told as one`, async () => {
      const servers = `127.0.0.1:${await freePort()}`;
      await assert.rejects(connect({ servers, dialer: blockingDialer(blockedMs), ...bound }), { reason: "refused" });
    });

    test(`${Object.keys(bound)} says of a silent server by how much the loop was late`, async () => {
      await using server = await silentPeer();
      const connecting = connect({ servers: server.address, dialer: blockingDialer(blockedMs), ...bound });
      await assert.rejects(connecting, (error) => {
        assertLate(error);
        return true;
      });
    });
  }

  test("timeout of wsconnect lets a server that refuses be told as one, and one that is silent as a timeout", async () => {
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

test("the delay before the next address is not over while the first has connected meanwhile", async () => {
  await using server = await goodPeer();
  const lookup = (_: string, { family }: { family: 4 | 6 }, found: (error: null, all: object[]) => void) =>
    found(null, family === 4 ? [{ address: "127.0.0.1" }, { address: "127.0.0.2" }] : []);
  const started: string[] = [];
  const dial = compose(tcp({ lookup: lookup as never, connectionAttemptDelayMs: 50 }));
  const dialing = dial(`db.test:${server.port}`, {
    trace: { connectStart: ({ address }) => started.push(address.address) },
  });
  await Promise.resolve();
  blockLoop(blockedMs);
  (await dialing).destroy();
  assert.deepEqual(started, ["127.0.0.1"]);
});

describe("Deadline", () => {
  test("calls back at its time on a fake clock, without a turn of the event loop between", async () => {
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

  test("does not call back when it is cleared while it waits for the sockets", async () => {
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
