import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import {
  type Clock,
  compose,
  type DialError,
  type Dialer,
  tcp,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { type Fault, type FaultsOptions, fakeClock, scriptedDialer, withFaults } from "../../src/testing.ts";
import { record, turns } from "../support/contract.ts";
import { peer } from "../support/peers.ts";
import { openSockets, openTimers, until } from "../support/resources.ts";

const address = "127.0.0.1:5432";

/** A clock whose timers fire in the next turn of the event loop. */
const hurried: Clock = {
  now: () => 0,
  setTimeout: (callback) => setImmediate(callback),
  clearTimeout: (timer) => clearImmediate(timer as NodeJS.Immediate),
};

/** Runs dials one after the other and returns how each ends for its caller: `connected`, a reason or `pending`. */
async function fatesOf(dial: Dialer<Duplex>, count: number): Promise<string[]> {
  const seen: string[] = [];
  for (let each = 0; each < count; each += 1) {
    const controller = new AbortController();
    const ended = dial(address, { signal: controller.signal, clock: hurried }).then(
      async (conn) => {
        const closed = new Promise<string>((resolve) =>
          conn.once("error", ({ code }: { code: string }) => resolve(code)),
        );
        const fate = await Promise.race([closed, turns(2).then(() => "connected")]);
        conn.destroy();
        return fate;
      },
      (error) => error.reason ?? "pending",
    );
    await turns(3);
    controller.abort(new Error("enough"));
    seen.push(await ended);
  }
  return seen;
}

test("withFaults refuses a dial with the system's error in a normal attempt, without calling the next layer", async () => {
  const base = scriptedDialer();
  const events: string[] = [];
  const dial = compose(withFaults({ refuse: 1 }), base);
  await assert.rejects(dial(address, { trace: record(events) }), (error: DialError) => {
    const { name, message, reason, code, target, attemptCount, cause } = error;
    assert.deepEqual(
      { name, message, reason, code, target, attemptCount },
      {
        name: "DialError",
        message: `dial ${address}: connect ECONNREFUSED ${address}`,
        reason: "refused",
        code: "ECONNREFUSED",
        target: address,
        attemptCount: 1,
      },
    );
    const { syscall, address: host, port } = cause as never;
    assert.deepEqual([syscall, host, port], ["connect", "127.0.0.1", 5432]);
    return true;
  });
  assert.deepEqual(events, ["dialStart", "attemptStart", "attemptDone failure", "dialDone failure"]);
  assert.equal(base.calls.length, 0);
});

test("withFaults below withRetry affects each attempt, above it the whole dial", async () => {
  const script = ["refuse", "refuse", "none"] as const;
  const retry = withRetry({ backoff: () => 0 });
  const conn = await compose(retry, withFaults({ script }), scriptedDialer())(address);
  conn.destroy();
  const base = scriptedDialer();
  await assert.rejects(compose(withFaults({ script }), retry, base)(address), { attemptCount: 1 });
  assert.equal(base.calls.length, 0);
});

test("withRetry records injected failures as attempts", async () => {
  const dial = compose(withRetry({ maxAttempts: 3, backoff: () => 0 }), withFaults({ refuse: 1 }), scriptedDialer());
  await assert.rejects(dial(address), (error: DialError) => {
    assert.equal(error.message, `dial ${address} failed after 3 attempts: connect ECONNREFUSED ${address}`);
    assert.deepEqual(
      error.attempts.map(({ attempt, reason }) => `${attempt} ${reason}`),
      ["1 refused", "2 refused", "3 refused"],
    );
    return true;
  });
});

test("withFaults directly around a base dialer is part of the base's attempt", async () => {
  const faulty = withFaults({ script: ["refuse", "reset", "none"] })(scriptedDialer());
  assert.deepEqual(await fatesOf(compose(faulty), 3), ["refused", "ECONNRESET", "connected"]);
});

describe("a black hole", () => {
  test("a black hole holds a dial until it is aborted, and leaves nothing behind", async () => {
    const clock = fakeClock();
    const controller = new AbortController();
    const base = scriptedDialer();
    const events: string[] = [];
    const dialing = compose(withFaults({ blackHole: 1 }), base)(address, {
      signal: controller.signal,
      clock,
      trace: record(events),
    });
    const rejected = assert.rejects(dialing, (error) => error === "enough");
    await clock.advance(24 * 60 * 60_000);
    assert.deepEqual(events, ["dialStart", "attemptStart"]);
    controller.abort("enough");
    await rejected;
    assert.deepEqual(events.slice(2), ["attemptDone canceled", "dialDone canceled"]);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    assert.equal(clock.pending, 0);
    assert.equal(base.calls.length, 0);
  });

  test("a timeout above ends a black hole, and the next attempt connects", async () => {
    const clock = fakeClock();
    const dial = compose(
      withRetry({ backoff: () => 0 }),
      withTimeout({ timeoutMs: 500 }),
      withFaults({ script: ["blackHole", "none"] }),
      scriptedDialer(),
    );
    const { signal } = new AbortController();
    const dialing = dial(address, { clock, signal });
    await clock.advance(500);
    (await dialing).destroy();
    assert.equal(clock.pending, 0);
    assert.equal(getEventListeners(signal, "abort").length, 0);
  });
});

describe("latency", () => {
  for (const fault of ["none", "refuse", "reset", "cut"] as const) {
    test(`latency delays a dial with the fault ${fault}, and ends immediately on abort`, async () => {
      const clock = fakeClock();
      const dial = compose(withFaults({ script: [{ fault, latencyMs: 100 }] }), scriptedDialer());
      let settled = false;
      const dialing = dial(address, { clock }).then(
        (conn) => conn.on("error", () => {}),
        () => undefined,
      );
      dialing.then(() => {
        settled = true;
      });
      await clock.advance(99);
      assert.equal(settled, false);
      await clock.advance(1);
      assert.equal(settled, true);
      (await dialing)?.destroy();

      const controller = new AbortController();
      const aborted = assert.rejects(
        dial(address, { clock, signal: controller.signal }),
        (error) => error === "enough",
      );
      await turns();
      assert.equal(clock.pending, 1);
      controller.abort("enough");
      await aborted;
      assert.equal(clock.pending, 0);
      assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    });
  }

  test("latency from a range is drawn for each dial", async () => {
    const clock = fakeClock();
    const waits: number[] = [];
    const noting = { ...clock, setTimeout: (_call: () => void, ms: number) => waits.push(ms) };
    const dial = compose(withFaults({ latencyMs: [20, 40] }), scriptedDialer());
    const controller = new AbortController();
    const all = Array.from({ length: 1000 }, () => dial(address, { clock: noting, signal: controller.signal }));
    await turns();
    controller.abort();
    await Promise.allSettled(all);
    assert.ok(
      Math.min(...waits) >= 20 && Math.min(...waits) < 21 && Math.max(...waits) > 39 && Math.max(...waits) <= 40,
    );
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    assert.ok(Math.abs(mean - 30) < 1, `${mean} ms on average`);
  });
});

describe("a script", () => {
  test("a script plays one step per dial in order, and repeats the last", async () => {
    const script = ["refuse", "none", "reset", "blackHole", { fault: "refuse" }, {}, "refuse"] as const;
    const dial = compose(withFaults({ script }), scriptedDialer());
    assert.deepEqual(await fatesOf(dial, 9), [
      "refused",
      "connected",
      "ECONNRESET",
      "pending",
      "refused",
      "connected",
      "refused",
      "refused",
      "refused",
    ]);
  });

  test("a script is shared by all dialers composed with one layer", async () => {
    const faults = withFaults({ script: ["refuse", "none"] });
    assert.deepEqual(await fatesOf(compose(faults, scriptedDialer()), 1), ["refused"]);
    assert.deepEqual(await fatesOf(compose(faults, scriptedDialer()), 1), ["connected"]);
  });

  test("a script does not advance for targets that only excludes", async () => {
    const faults = withFaults({ script: ["refuse", "none"], only: ({ host }) => host === "db" });
    const dial = compose(faults, scriptedDialer());
    (await dial("cache:1")).destroy();
    await assert.rejects(dial("db:1"), { reason: "refused" });
    (await dial("cache:1")).destroy();
    (await dial("db:1")).destroy();
  });
});

describe("shares", () => {
  const shares = { refuse: 0.2, reset: 0.1, blackHole: 0.05, cut: 0.15 };
  const fates = (options: FaultsOptions, count = 200) => fatesOf(compose(withFaults(options), scriptedDialer()), count);

  test("the same seed gives the same faults, and another seed different ones", async () => {
    const [one, again, other] = [
      await fates({ ...shares, seed: 7 }),
      await fates({ ...shares, seed: 7 }),
      await fates({ ...shares, seed: 8 }),
    ];
    assert.deepEqual(again, one);
    assert.notDeepEqual(other, one);
    assert.deepEqual(await fates(shares), await fates({ ...shares, seed: 1 }));
  });

  test("the options of a fault do not change the faults of later dials", async () => {
    assert.deepEqual(
      await fates({ refuse: 0.3, latencyMs: [1, 50], cutAfterBytes: [1, 9], seed: 3 }, 100),
      await fates({ refuse: 0.3, seed: 3 }, 100),
    );
  });

  test("the number of faults matches the shares", async () => {
    const count = 2000;
    const seen = new Map<string, number>();
    for (const fate of await fates({ ...shares, seed: 42 }, count)) seen.set(fate, (seen.get(fate) ?? 0) + 1);
    const expected = { refused: shares.refuse, ECONNRESET: shares.reset, pending: shares.blackHole, connected: 0.65 };
    for (const [fate, share] of Object.entries(expected)) {
      const deviation = Math.abs((seen.get(fate) ?? 0) - share * count) / Math.sqrt(count * share * (1 - share));
      assert.ok(deviation < 3, `${seen.get(fate)} of ${count} ${fate}`);
    }
    assert.equal(
      [...seen.values()].reduce((sum, each) => sum + each, 0),
      count,
    );
  });

  test("a share of 1 affects every dial", async () => {
    for (const [fault, fate] of [
      ["refuse", "refused"],
      ["reset", "ECONNRESET"],
      ["blackHole", "pending"],
    ] as const) {
      assert.deepEqual(new Set(await fates({ [fault]: 1 }, 50)), new Set([fate]));
    }
    assert.deepEqual(new Set(await fates({ refuse: 0.5, reset: 0.5 }, 50)), new Set(["refused", "ECONNRESET"]));
  });
});

describe("with real sockets", () => {
  test("a reset follows the connection, and the peer sees it too", async () => {
    const seen: (string | undefined)[] = [];
    await using server = await peer((socket) => {
      socket.on("error", (error: NodeJS.ErrnoException) => seen.push(error.code)).resume();
    });
    // The delay lets the peer accept before the reset.
    const slow = async () => void (await until(() => server.open.size > 0, "the peer to accept"));
    const events: string[] = [];
    const dial = compose(withFaults({ reset: 1 }), async (...args: Parameters<Dialer>) => {
      const socket = await tcp()(...args);
      await slow();
      return socket;
    });
    const socket = await dial(server.address, { trace: record(events) });
    const [error] = await once(socket, "error");
    assert.deepEqual([error.code, error.syscall, error.message], ["ECONNRESET", "read", "read ECONNRESET"]);
    await until(() => server.open.size === 0, "the peer to see the reset");
    assert.deepEqual(seen, ["ECONNRESET"]);
    assert.deepEqual(events.at(-1), "connClosed");
    assert.equal(openSockets(), 0);
  });

  test("a reset during the handshake fails the attempt with reason reset, and a retry succeeds", async () => {
    await using server = await peer((socket) => socket.once("data", () => socket.write("hello")));
    const dial = compose(withRetry({ backoff: () => 1 }), withFaults({ script: ["reset", "reset", "none"] }), tcp());
    const reasons: unknown[] = [];
    const socket = await dial(server.address, {
      trace: { attemptDone: ({ reason }) => void reasons.push(reason) },
      async handshake(conn) {
        conn.write("hello?");
        await once(conn, "readable");
        return conn;
      },
    });
    assert.equal(String(socket.read()), "hello");
    assert.deepEqual(reasons, ["reset", "reset", undefined]);
    socket.destroy();
    await until(() => openSockets() === 0, "every socket to be closed");
  });

  test("a cut connection delivers the given number of bytes, then a reset", async () => {
    const message = "0123456789".repeat(1000);
    await using server = await peer((socket) => socket.end(message));
    const dial = compose(withFaults({ cut: 1, cutAfterBytes: 4321 }), tcp());
    const socket = await dial(server.address);
    let read = "";
    socket.on("data", (data) => {
      read += data;
    });
    const [error] = await once(socket, "error");
    assert.equal(error.code, "ECONNRESET");
    assert.equal(read, message.slice(0, 4321));
  });

  test("a cut during a handshake's write fails the attempt with reason reset", async () => {
    let received = "";
    await using server = await peer((socket) =>
      socket.on("data", (data) => {
        received += data;
      }),
    );
    const dial = compose(withFaults({ script: [{ fault: "cut", cutAfterBytes: 4 }] }), tcp());
    const dialing = dial(server.address, {
      handshake: (conn) =>
        new Promise((resolve, reject) => {
          conn.on("error", reject);
          conn.write("CONNECT", (error) => (error ? reject(error) : resolve(conn)));
        }),
    });
    await assert.rejects(dialing, { reason: "reset", code: "ECONNRESET" });
    await until(() => server.accepted === 1 && server.open.size === 0, "the peer to see the end");
    assert.equal("CONN".startsWith(received), true);
    assert.equal(openSockets(), 0);
  });

  test("dials with every kind of fault leave no socket and no timer", async () => {
    await using server = await peer((socket) => socket.on("data", (data) => socket.write(data)));
    const timers = openTimers();
    const ends = new Map<string, number>();
    const faults = { refuse: 0.1, reset: 0.15, blackHole: 0.03, cut: 0.2 };
    const dial = compose(
      withTrace({ attemptDone: ({ outcome, reason = outcome }) => void ends.set(reason, (ends.get(reason) ?? 0) + 1) }),
      withRetry({ maxAttempts: 4, backoff: () => 1 }),
      withTimeout({ timeoutMs: 500 }),
      withFaults({ ...faults, cutAfterBytes: [1, 20], latencyMs: [0, 3], seed: 5 }),
      tcp(),
    );
    const one = async () => {
      const socket = await dial(server.address, {
        async handshake(conn) {
          conn.write("hello, server");
          await once(conn, "readable");
          return conn;
        },
      });
      socket.on("error", () => {});
      socket.resume().end("bye");
      await new Promise((resolve) => socket.once("close", resolve));
    };
    for (let batch = 0; batch < 10; batch += 1) await Promise.allSettled(Array.from({ length: 20 }, one));
    assert.deepEqual([...ends.keys()].sort(), ["refused", "reset", "success", "timeout"]);
    await until(() => openSockets() === 0 && server.open.size === 0, "every socket to be closed");
    assert.ok(openTimers() <= timers);
  });
});

describe("refuses at construction", () => {
  const rows: readonly (readonly [FaultsOptions, string, string | RegExp])[] = [
    ...([-0.1, 1.1, Number.NaN, "1"] as never[]).map((refuse): [FaultsOptions, string, RegExp] => [
      { refuse },
      "RangeError",
      /^withFaults: refuse must be a number from 0 to 1, got /,
    ]),
    [
      { refuse: 0.5, cut: 0.6 },
      "RangeError",
      "withFaults: the sum of refuse, reset, blackHole and cut must not exceed 1, got 1.1",
    ],
    [{ latencyMs: -1 }, "RangeError", /^withFaults: latencyMs must be a number of milliseconds .* got -1$/],
    [
      { latencyMs: [5, 1] },
      "RangeError",
      "withFaults: latencyMs must be a range [min, max] with min <= max, got [5, 1]",
    ],
    [{ latencyMs: [1] as never }, "RangeError", /^withFaults: latencyMs .* got an array$/],
    [{ cutAfterBytes: 0 }, "RangeError", "withFaults: cutAfterBytes must be a whole number from 1, got 0"],
    [{ seed: 0.5 }, "RangeError", "withFaults: seed must be a whole number, got 0.5"],
    [{ only: 5 as never }, "TypeError", "withFaults: only must be a function, got 5"],
    [{ script: [] }, "TypeError", "withFaults: script must be an array with at least one step, got an array"],
    [{ script: "refuse" as never }, "TypeError", /^withFaults: script must be an array .* got "refuse"$/],
    [
      { script: ["reset", "boom" as Fault] },
      "RangeError",
      /^withFaults: script\[1\] must be one of none, .* got "boom"$/,
    ],
    [{ script: [{ fault: "boom" as Fault }] }, "RangeError", /^withFaults: script\[0\].fault must be one of /],
    [{ script: [{ cutAfterBytes: 0 }] }, "RangeError", /^withFaults: script\[0\].cutAfterBytes must be /],
    [{ script: [{ after: 0 } as never] }, "TypeError", /^withFaults: script\[0\]: unknown option after;/],
    [
      { script: ["none"], refuse: 0.1 },
      "TypeError",
      "withFaults: refuse, reset, blackHole and cut have no effect with script; leave them out",
    ],
    [{ chance: 1 } as never, "TypeError", /^withFaults: unknown option chance; the options are latencyMs,/],
  ];
  for (const [options, name, message] of rows) {
    test(`withFaults refuses ${inspect(options)} at construction`, () =>
      assert.throws(() => withFaults(options), { name, message }));
  }
});
