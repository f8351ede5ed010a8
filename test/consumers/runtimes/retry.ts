import assert from "node:assert/strict";
import { compose, DialTimeoutError, tcp, withFailover, withRetry, withTimeout, withTrace } from "../../../src/index.ts";
import { type Checks, dialErrorOf, readLine } from "./checks.ts";
import { reportOf, stage, untilSeen } from "./stage.ts";

function block(ms: number): void {
  const endsAt = performance.now() + ms;
  while (performance.now() < endsAt);
}

const quickly = { initialBackoffMs: 1, jitter: "none" } as const;

export const retryChecks: Checks = {
  "withRetry stops after maxAttempts attempts": async () => {
    const events: unknown[] = [];
    const dial = compose(
      withTrace({
        retryScheduled: ({ attempt, reason }) => void events.push([attempt, reason]),
        retryExhausted: ({ attempts }) => void events.push(attempts),
      }),
      withRetry({ ...quickly, maxAttempts: 3 }),
      tcp(),
    );
    const error = await dialErrorOf(dial(stage.peers.refused));
    assert.equal(error.attempts.length, 3);
    assert.deepEqual(events, [[2, "refused"], [3, "refused"], 3]);
  },

  "withRetry connects when the server answers again": async () => {
    const before = await reportOf("flaky");
    const handshake = async (conn: import("node:net").Socket) => {
      conn.write("hello\n");
      assert.equal(await readLine(conn), "welcome\n");
      return conn;
    };
    const dial = compose(withRetry({ ...quickly, maxAttempts: 5 }), tcp());
    const conn = await dial(stage.peers.flaky, { handshake });
    conn.destroy();
    assert.equal((await reportOf("flaky")).accepted - before.accepted, 3);
    await untilSeen("flaky", ({ open }) => open === 0);
  },

  "withRetry does not retry what a person must fix": async () => {
    const handshake = async () => {
      throw Object.assign(new Error("certificate has expired"), { code: "CERT_HAS_EXPIRED" });
    };
    const dial = compose(withRetry({ ...quickly, maxAttempts: 5 }), tcp());
    const error = await dialErrorOf(dial(stage.peers.good, { handshake }));
    assert.deepEqual([error.reason, error.attempts.length], ["tls_cert_expired", 1]);
  },

  "withTimeout ends each attempt, and one above ends the dial": async () => {
    const handshake = () => new Promise<never>(() => {});
    const each = compose(withRetry({ ...quickly, maxAttempts: 2 }), withTimeout({ timeoutMs: 50 }), tcp());
    const error = await dialErrorOf(each(stage.peers.good, { handshake }));
    assert.deepEqual([error.reason, error.attempts.length], ["timeout", 2]);
    const whole = compose(
      withTimeout({ timeoutMs: 50 }),
      withRetry({ initialBackoffMs: 60_000, maxBackoffMs: 60_000, jitter: "none" }),
      tcp(),
    );
    assert.match((await dialErrorOf(whole(stage.peers.refused))).reason, /^(?:refused|timeout)$/);
    const late = await dialErrorOf(compose(withTimeout({ timeoutMs: 50 }), tcp())(stage.peers.good, { handshake }));
    assert.ok(late instanceof DialTimeoutError);
    await untilSeen("good", ({ open }) => open === 0);
  },

  "a dial that connected while the event loop was blocked for longer than its timeout succeeds": async () => {
    const dial = compose(withTimeout({ timeoutMs: 50 }), tcp());
    const dialing = Array.from({ length: 20 }, () => dial(stage.peers.good));
    block(300);
    for (const conn of await Promise.all(dialing)) conn.destroy();
    await untilSeen("good", ({ open }) => open === 0);
  },

  "a dial that was refused while the event loop was blocked for longer than its timeout fails as refused": async () => {
    const dial = compose(withTimeout({ timeoutMs: 50 }), tcp());
    const dialing = Array.from({ length: 20 }, () => dialErrorOf(dial(stage.peers.refused)));
    block(300);
    assert.deepEqual(new Set((await Promise.all(dialing)).map(({ reason }) => reason)), new Set(["refused"]));
  },

  "a dial that hangs while the event loop is blocked times out": async () => {
    const dialing = dialErrorOf(compose(withTimeout({ timeoutMs: 50 }), tcp())(stage.hole));
    block(300);
    assert.equal((await dialing).reason, "timeout");
  },

  "withFailover dials the next target": async () => {
    const dial = compose(
      withRetry({ ...quickly, maxAttempts: 2 }),
      withFailover({ targets: [stage.peers.refused, stage.peers.good] }),
      tcp(),
    );
    for (let dials = 0; dials < 4; dials += 1) (await dial("orders:1")).destroy();
    await untilSeen("good", ({ open }) => open === 0);
  },
};
