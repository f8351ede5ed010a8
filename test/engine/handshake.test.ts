import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { Socket } from "node:net";
import { type Duplex, PassThrough } from "node:stream";
import { describe, test } from "node:test";
import {
  compose,
  DialError,
  type DialTrace,
  type Handshake,
  type HandshakeContext,
  type HandshakeDoneInfo,
  Target,
  tcp,
  withRetry,
  withTimeout,
} from "../../src/index.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { connection, deferred, record, turns } from "../support/contract.ts";
import { goodPeer, type Peer, peer } from "../support/peers.ts";
import { until } from "../support/resources.ts";

const clock = fakeClock();

test("a handshake runs on the new connection, inside the attempt, with the target and the attempt number", async () => {
  const events: string[] = [];
  const base = scriptedDialer();
  const dial = compose(base);
  const conn = await dial("u:secret@h:1", {
    clock,
    trace: record(events),
    async handshake(conn, { target, attempt, signal }) {
      events.push("shaking hands");
      assert.equal(conn, base.connections[0]);
      assert.ok(target instanceof Target);
      assert.equal(String(target), "h:1");
      assert.equal(attempt, 1);
      assert.equal(signal, undefined);
      return conn;
    },
  });
  conn.destroy();
  assert.deepEqual(events, [
    "dialStart",
    "attemptStart",
    "handshakeStart",
    "shaking hands",
    "handshakeDone success",
    "attemptDone success",
    "dialDone success",
    "connClosed",
  ]);
});

test("a failed handshake destroys the connection and fails the attempt with its error as the cause", async () => {
  const events: string[] = [];
  const base = scriptedDialer();
  const error = Object.assign(new Error("bad hello"), { name: "ProtocolError" });
  const dialing = compose(base)("h:1", { trace: record(events), handshake: () => Promise.reject(error) });
  await assert.rejects(dialing, (thrown) => {
    assert.ok(thrown instanceof DialError);
    assert.equal(thrown.reason, "protocol");
    assert.equal(thrown.cause, error);
    assert.equal(thrown.attempts[0]?.error, error);
    return true;
  });
  assert.equal(base.connections[0]?.destroyed, true);
  assert.deepEqual(events.slice(2), [
    "handshakeStart",
    "handshakeDone failure",
    "attemptDone failure",
    "dialDone failure",
  ]);
});

test("a handshake whose clock begins to throw when it starts goes on", async () => {
  const base = scriptedDialer();
  const { signal } = new AbortController();
  let isBroken = false;
  const clock = {
    ...fakeClock(),
    now() {
      if (isBroken) throw new Error("no time");
      return 0;
    },
  };
  const handshakeStart = () => {
    isBroken = true;
  };
  const handshake: Handshake<Duplex> = async (conn) => conn;
  const conn = await compose(base)("h:1", { clock, signal, trace: { handshakeStart }, handshake });
  assert.equal(conn, base.connections[0]);
  conn.destroy();
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("a failed handshake is retried on a new connection", async () => {
  const numbers: number[] = [];
  const base = scriptedDialer();
  const clock = fakeClock();
  const dialing = compose(withRetry({ backoff: () => 0 }), base)("h:1", {
    clock,
    async handshake(conn, { attempt }) {
      numbers.push(attempt);
      if (attempt < 3) throw new Error("not yet");
      return conn;
    },
  });
  await clock.advance(0);
  assert.equal(await dialing, base.connections[2]);
  assert.deepEqual(numbers, [1, 2, 3]);
  assert.deepEqual(
    base.connections.map(({ destroyed }) => destroyed),
    [true, true, false],
  );
});

const wrong: readonly (readonly [string, Handshake<Duplex>])[] = [
  ["throws synchronously", (() => assert.fail("at once")) as never],
  ["does not return the connection", (async () => {}) as never],
  ["resolves with a value that is not a connection", (async () => ({})) as never],
];
for (const [what, handshake] of wrong) {
  for (const bounded of [false, true]) {
    test(`a handshake that ${what} leaks no connection and no listener${bounded ? " under a timeout" : ""}`, async () => {
      const base = scriptedDialer();
      const clock = fakeClock();
      const events: string[] = [];
      const layers = bounded ? [withTimeout({ timeoutMs: 1000 })] : [];
      await assert.rejects(compose(...layers, base)("h:1", { clock, trace: record(events), handshake }), DialError);
      assert.equal(base.connections[0]?.destroyed, true);
      assert.equal(events.filter((event) => event === "handshakeDone failure").length, 1);
      assert.equal(clock.pending, 0);
    });
  }
}

test("a handshake that does not return the connection fails with an error that names the rule", async () => {
  await assert.rejects(compose(scriptedDialer())("h:1", { handshake: (async () => {}) as never }), {
    message: "dial h:1: handshake must resolve with the connection to hand out, got undefined",
  });
});

test("a dial rejects a handshake that is not a function before anything is dialed", async () => {
  const base = scriptedDialer();
  await assert.rejects(compose(withRetry(), base)("h:1", { handshake: "hello" as never }), {
    name: "TypeError",
    message: 'dial: handshake must be a function, got "hello"',
    code: "ERR_INVALID_OPTION",
  });
  assert.equal(base.calls.length, 0);
});

test("a handshake that resolves without a connection fails with reason config and is not retried", async () => {
  const base = scriptedDialer();
  await assert.rejects(
    compose(withRetry({ backoff: () => 0 }), base)("h:1", { handshake: (async () => {}) as never }),
    {
      name: "DialError",
      reason: "config",
      attemptCount: 1,
    },
  );
  assert.equal(base.calls.length, 1);
});

test("a handshake may return a connection without a promise", async () => {
  const handshake = ((conn: Duplex) => conn) as never;
  const conn = await compose(withTimeout({ timeoutMs: 1000 }), scriptedDialer())("h:1", { clock, handshake });
  assert.equal(conn.destroyed, false);
  conn.destroy();
  assert.equal(clock.pending, 0);
});

test("a handshake may return another connection, which is then tracked", async () => {
  const wrapper = connection();
  const closed: unknown[] = [];
  const base = scriptedDialer();
  const trace: DialTrace = { connClosed: ({ conn }) => closed.push(conn) };
  const conn = await compose(base)("h:1", { trace, handshake: async () => wrapper });
  assert.equal(conn, wrapper);
  base.connections[0]?.destroy();
  assert.deepEqual(closed, []);
  wrapper.destroy();
  assert.deepEqual(closed, [wrapper]);
});

test("a connection that closes during the handshake fails the attempt even if the handshake succeeds", async () => {
  const dialing = compose(scriptedDialer())("h:1", { handshake: async (conn) => conn.destroy() });
  await assert.rejects(dialing, {
    reason: "handshake_closed",
    message: "dial h:1: the connection closed before it was ready",
  });
});

describe("abort during a handshake", () => {
  test("an abort during a hanging handshake destroys the connection and rejects with the signal's reason", async () => {
    const controller = new AbortController();
    const base = scriptedDialer();
    const events: string[] = [];
    const handshake = () => new Promise<Duplex>(() => {});
    const dialing = compose(base)("h:1", { signal: controller.signal, trace: record(events), handshake });
    await turns();
    controller.abort("enough");
    assert.equal(base.connections[0]?.destroyed, true);
    await assert.rejects(dialing, (error) => error === "enough");
    assert.deepEqual(events.slice(2), [
      "handshakeStart",
      "handshakeDone canceled",
      "attemptDone canceled",
      "dialDone canceled",
    ]);
  });

  test("an abort from a handshakeStart hook prevents the handshake and keeps the order of events", async () => {
    const controller = new AbortController();
    const base = scriptedDialer();
    const events: string[] = [];
    const hooks = record(events);
    const dialing = compose(withTimeout({ timeoutMs: 1000 }), base)("h:1", {
      signal: controller.signal,
      trace: {
        ...hooks,
        handshakeStart(info) {
          hooks.handshakeStart?.(info);
          controller.abort("enough");
        },
      },
      handshake: () => assert.fail("must not be called"),
    });
    await assert.rejects(dialing, (error) => error === "enough");
    assert.equal(base.connections[0]?.destroyed, true);
    assert.deepEqual(events.slice(2), [
      "handshakeStart",
      "handshakeDone canceled",
      "attemptDone canceled",
      "dialDone canceled",
    ]);
  });

  test("a connection that a handshake resolves with after an abort is destroyed", async () => {
    const controller = new AbortController();
    const late = deferred<Duplex>();
    const dialing = compose(scriptedDialer())("h:1", { signal: controller.signal, handshake: () => late.promise });
    await turns();
    controller.abort();
    await assert.rejects(dialing, { name: "AbortError" });
    const wrapper = connection();
    late.resolve(wrapper);
    await turns();
    assert.equal(wrapper.destroyed, true);
  });

  test("a handshake that resolves with undefined after an abort is ignored", async () => {
    const controller = new AbortController();
    const late = deferred<Duplex>();
    const dialing = compose(scriptedDialer())("h:1", { signal: controller.signal, handshake: () => late.promise });
    await turns();
    controller.abort();
    await assert.rejects(dialing, { name: "AbortError" });
    late.resolve(undefined as never);
    await turns();
  });

  test("an abort or a timeout aborts the signal of the handshake", async () => {
    const clock = fakeClock();
    const reasons: unknown[] = [];
    const dialing = compose(withTimeout({ timeoutMs: 50 }), scriptedDialer())("h:1", {
      clock,
      handshake: (_conn, { signal }) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener("abort", () => {
            reasons.push(signal.reason.name);
            reject(new Error("an error of its own"));
          });
        }),
    });
    const rejected = assert.rejects(dialing, { name: "DialTimeoutError", reason: "timeout" });
    await clock.advance(50);
    await rejected;
    assert.deepEqual(reasons, ["DialTimeoutError"]);
  });

  test("an abort after the handshake does not affect the connection", async () => {
    const controller = new AbortController();
    const conn = await compose(scriptedDialer())("h:1", { signal: controller.signal, handshake: async (conn) => conn });
    controller.abort();
    await turns();
    assert.equal(conn.destroyed, false);
    conn.destroy();
  });
});

test("handshakeDone has the protocol details that the handshake reported, on success and on failure", async () => {
  const told: HandshakeDoneInfo[] = [];
  const trace: DialTrace = { handshakeDone: (info) => told.push(info) };
  const protocol = { name: "nats", attributes: { "nats.server.name": "n1" } };
  const clock = fakeClock();
  const dial = compose(scriptedDialer());
  const good = dial("h:1", {
    clock,
    trace,
    async handshake(conn, { describe }) {
      describe(protocol);
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 25));
      return conn;
    },
  });
  await clock.advance(25);
  (await good).destroy();
  const bad = dial("h:1", {
    clock,
    trace,
    async handshake(_conn, { describe }) {
      describe(protocol);
      throw new Error("Authorization Violation");
    },
  });
  await assert.rejects(bad);
  assert.deepEqual(
    told.map(({ target, attempt, durationMs, outcome, reason, protocol }) => ({
      target: String(target),
      attempt,
      durationMs,
      outcome,
      reason,
      protocol,
    })),
    [
      { target: "h:1", attempt: 1, durationMs: 25, outcome: "success", reason: undefined, protocol },
      { target: "h:1", attempt: 1, durationMs: 0, outcome: "failure", reason: "auth_failed", protocol },
    ],
  );
});

test("events of a handshake reach the hooks as they happen, with their names and the attempt number", async () => {
  const events: string[] = [];
  const trace: DialTrace = {
    ...record(events),
    handshakeEvent: ({ target, attempt, name }) => events.push(`${name} of attempt ${attempt} to ${target}`),
  };
  const conn = await compose(withRetry({ backoff: () => 0 }), scriptedDialer())("h:1", {
    trace,
    async handshake(conn, { attempt, event }) {
      event("info");
      if (attempt === 1) throw new Error("not yet");
      event("pong");
      return conn;
    },
  });
  conn.destroy();
  assert.deepEqual(
    events.filter((event) => /handshake|of attempt/i.test(event)),
    [
      "handshakeStart",
      "info of attempt 1 to h:1",
      "handshakeDone failure",
      "handshakeStart",
      "info of attempt 2 to h:1",
      "pong of attempt 2 to h:1",
      "handshakeDone success",
    ],
  );
});

test("events of a handshake are ignored after its end and without hooks", async () => {
  const events: string[] = [];
  const late: HandshakeContext[] = [];
  const handshake: Handshake<Duplex> = async (conn, context) => {
    late.push(context);
    context.event("info");
    return conn;
  };
  const dial = compose(scriptedDialer());
  const conns = [await dial("h:1", { handshake }), await dial("h:1", { handshake, trace: record(events) })];
  for (const { event } of late) event("pong");
  assert.deepEqual(
    events.filter((event) => event === "handshakeEvent"),
    ["handshakeEvent"],
  );
  for (const conn of conns) conn.destroy();
});

test("a handshake may call the hooks of the dial to report its phases", async () => {
  const events: string[] = [];
  const hooks: DialTrace = {
    tlsHandshakeStart: ({ serverName }) => events.push(`start ${serverName}`),
    tlsHandshakeDone: ({ outcome }) => events.push(outcome),
  };
  const conn = await compose(scriptedDialer())("h:1", {
    trace: hooks,
    async handshake(conn, { trace }) {
      trace?.tlsHandshakeStart?.({ serverName: "h" });
      trace?.tlsHandshakeDone?.({ serverName: "h", durationMs: 1, outcome: "success" });
      return conn;
    },
  });
  conn.destroy();
  assert.deepEqual(events, ["start h", "success"]);
});

test("a connection error during a handshake without an error listener fails the dial, not the process", async () => {
  const broken = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  const base = scriptedDialer();
  const handshake = async (conn: Duplex) => {
    conn.destroy(broken);
    await turns();
    return conn;
  };
  await assert.rejects(compose(base)("h:1", { clock, handshake }), { reason: "reset", cause: broken });
  // Later errors have a listener too.
  base.connections[0]?.emit("error", new Error("late"));
});

test("a handshake leaves no listener on the resolved connection", async () => {
  const conn = await compose(scriptedDialer())("h:1", { clock, handshake: async (conn) => conn });
  assert.equal(conn.listenerCount("error"), 0);
  conn.destroy();
});

test("a handshake that returns undefined fails with reason config and is not retried", async () => {
  let calls = 0;
  const handshake = (async () => {
    calls += 1;
  }) as never;
  const dial = compose(withRetry({ backoff: () => 0 }), scriptedDialer());
  await assert.rejects(dial("h:1", { handshake }), { reason: "config", code: "ERR_INVALID_RETURN_VALUE" });
  assert.equal(calls, 1);
});

/** A handshake that starts `handshake`, and then has `server` reset the connection. */
function resetDuring(server: Peer, handshake: Handshake<Socket>): Handshake<Socket> {
  return (conn, context) => {
    const shaking = handshake(conn, context);
    void until(() => server.accepted === 1, "the server has accepted").then(() => {
      for (const socket of server.open) socket.resetAndDestroy();
    });
    return shaking;
  };
}

describe("connection error during a handshake without an error listener", () => {
  for (const [what, handshake] of [
    ["waits for bytes", (conn) => new Promise((resolve) => conn.once("data", () => resolve(conn)))],
    ["waits for something else", () => new Promise(() => {})],
    ["waits for a timer", async (conn) => new Promise((resolve) => setTimeout(resolve, 60_000, conn).unref())],
  ] as const satisfies readonly (readonly [string, Handshake<Socket>])[]) {
    test(`a connection error fails the dial, not the process, while the handshake ${what}`, async () => {
      await using server = await peer();
      const done: (string | undefined)[] = [];
      const dialing = compose(tcp())(server.address, {
        handshake: resetDuring(server, handshake),
        trace: { handshakeDone: ({ reason }) => done.push(reason) },
      });
      await assert.rejects(dialing, { name: "DialError", reason: "reset" });
      assert.deepEqual(done, ["reset"]);
    });
  }

  test("a handshake with an error listener decides whether a connection error fails the dial", async () => {
    await using server = await peer();
    const handshake = resetDuring(
      server,
      (conn) =>
        new Promise((_, reject) => {
          conn.on("error", () =>
            setTimeout(() => reject(new DialError("rejected by its listener", { reason: "auth_failed" })), 20),
          );
        }),
    );
    await assert.rejects(compose(tcp())(server.address, { handshake }), { reason: "auth_failed" });
  });

  test("a connection that a handshake resolves with after a connection error is destroyed", async () => {
    await using server = await peer();
    const other = new PassThrough();
    const bringing = deferred<never>();
    const handshake = resetDuring(server, () => bringing.promise);
    await assert.rejects(compose(tcp())(server.address, { handshake }), { reason: "reset" });
    bringing.resolve(other as never);
    await until(() => other.destroyed, "the late connection is destroyed");
  });

  test("a resolved connection has no error listener of the dialer", async () => {
    await using server = await goodPeer();
    const conn = await compose(tcp())(server.address, { handshake: async (conn) => conn });
    await turns();
    assert.equal(conn.listenerCount("error"), 0);
    conn.destroy();
  });
});
