import assert from "node:assert/strict";
import { after, test } from "node:test";
import { compose, DialError, type DialTrace, tcp, withRetry, withTimeout, withTrace } from "../../src/index.ts";
import { connect } from "../support/nats-line.ts";
import { startNats } from "../support/nats-server.ts";
import { peer } from "../support/peers.ts";
import { openSockets, openTimers, until } from "../support/resources.ts";
import { stoppedClock } from "./stopped-clock.ts";

after(() => until(() => openSockets() === 0, "no test may leave a socket open"));

/** Records the events of a dialer. */
function told(): { lines: string[]; hooks: DialTrace } {
  const lines: string[] = [];
  return {
    lines,
    hooks: {
      attemptStart: () => lines.push("attempt"),
      handshakeEvent: ({ name }) => lines.push(name),
      handshakeDone: ({ outcome, reason }) => lines.push(`handshake ${reason ?? outcome}`),
      attemptDone: ({ outcome, reason }) => lines.push(`attempt ${reason ?? outcome}`),
      retryScheduled: () => lines.push("retry"),
      retryExhausted: ({ cause }) => lines.push(`exhausted ${cause}`),
      dialDone: ({ outcome, reason }) => lines.push(`dial ${reason ?? outcome}`),
      connClosed: ({ reason }) => lines.push(`closed ${reason}`),
    },
  };
}

test("the dial's handshake ends with the server's answer to CONNECT", async () => {
  await using server = await startNats();
  const { lines, hooks } = told();
  const nc = await connect({ servers: server.address, dialer: compose(withTrace(hooks), tcp()) });
  const expected = ["attempt", "info", "connect", "pong", "handshake success", "attempt success", "dial success"];
  assert.deepEqual(lines, expected);
  await nc.close();
  assert.deepEqual(lines, [...expected, "closed local"]);
});

test("a wrong password is one failed attempt with one reason and no retry by the dialer", async () => {
  await using server = await startNats(["--user", "u", "--pass", "right"]);
  const { lines, hooks } = told();
  const dialer = compose(withTrace(hooks), withRetry({ maxAttempts: 5, initialBackoffMs: 1 }), tcp());
  await assert.rejects(connect({ servers: server.address, dialer, user: "u", pass: "wrong" }), {
    reason: "auth_failed",
  });
  assert.deepEqual(lines, [
    "attempt",
    "info",
    "connect",
    "handshake auth_failed",
    "attempt auth_failed",
    "exhausted non_retryable",
    "dial auth_failed",
  ]);
});

test("a server that never answers CONNECT hits the dialer's timeout and is not retried by the dialer", async (t) => {
  await using server = await peer((socket) => {
    socket.resume();
    socket.write('INFO {"server_id":"S","version":"2.9.0","max_payload":1048576}\r\n');
  });
  const timers = openTimers();
  const { lines, hooks } = told();
  const dialer = compose(
    withTrace(hooks),
    withRetry({ maxAttempts: 5, initialBackoffMs: 1 }),
    withTimeout({ timeoutMs: 50 }),
    tcp(),
  );
  const clock = stoppedClock(t);
  const refused = assert.rejects(
    connect({ servers: server.address, dialer }),
    (error) => error instanceof DialError && error.reason === "timeout",
  );
  await until(() => lines.includes("connect"), "CONNECT is sent");
  await clock.advance(50);
  await refused;
  assert.deepEqual(lines, [
    "attempt",
    "info",
    "connect",
    "handshake timeout",
    "attempt timeout",
    "exhausted deadline",
    "dial timeout",
  ]);
  assert.equal(server.accepted, 1);
  assert.equal(openTimers(), timers);
});

test("before INFO the dialer's retries apply", async () => {
  let connections = 0;
  await using server = await peer((socket) => {
    connections += 1;
    if (connections < 3) socket.end();
    else socket.resume().write('INFO {"server_id":"S","version":"2.9.0","max_payload":1048576}\r\nPONG\r\n');
  });
  const { lines, hooks } = told();
  const dialer = compose(withTrace(hooks), withRetry({ maxAttempts: 5, initialBackoffMs: 1 }), tcp());
  const nc = await connect({ servers: server.address, dialer });
  assert.equal(lines.filter((line) => line === "retry").length, 2);
  assert.equal(lines.at(-1), "dial success");
  await nc.close();
});

test("a close before the server's answer is a cancellation", async () => {
  await using server = await peer((socket) => {
    socket.resume();
    socket.write('INFO {"server_id":"S","version":"2.9.0","max_payload":1048576}\r\n');
  });
  const { lines, hooks } = told();
  const abort = new AbortController();
  const connecting = connect({
    servers: server.address,
    dialer: compose(withTrace(hooks), tcp()),
    signal: abort.signal,
  });
  await until(() => lines.includes("connect"), "CONNECT is sent");
  abort.abort(new Error("enough"));
  await assert.rejects(connecting, { message: "enough" });
  await until(() => lines.includes("dial canceled"), "the dial has ended");
  assert.deepEqual(lines.slice(3), ["handshake canceled", "attempt canceled", "dial canceled"]);
});

test("connect refuses a dialer that runs no handshake", async () => {
  await using server = await startNats();
  const base = compose(tcp());
  await assert.rejects(
    connect({ servers: server.address, dialer: (target) => base(target) }),
    /dialer resolved without running the handshake; make it with compose/,
  );
});

test("an authenticator that throws fails the dial with auth_failed", async () => {
  await using server = await startNats();
  const authenticator = () => {
    throw new Error("the vault is locked");
  };
  await assert.rejects(connect({ servers: server.address, authenticator }), {
    reason: "auth_failed",
    message: /the vault is locked/,
  });
});
