import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { compose, type Dialer, type DialTrace, tcp, tls, withRetry } from "../../../src/index.ts";
import { type Checks, dialErrorOf } from "./checks.ts";
import { reportOf, stage, untilSeen } from "./stage.ts";

const enough = new Error("enough");
/** The handshakes here end before they see a connection. */
const overTls = compose(tls()) as unknown as Dialer;

/** Dials, aborts at the hook `at`, and checks that the dial rejects with the reason and leaves no listener. */
async function abortAt(at: keyof DialTrace, dial: Dialer, target: string, options: object = {}): Promise<void> {
  const controller = new AbortController();
  const trace: DialTrace = { [at]: () => setImmediate(() => controller.abort(enough)) };
  await assert.rejects(dial(target, { ...options, signal: controller.signal, trace }), (error) => error === enough);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
}

export const abortChecks: Checks = {
  "a dial with an aborted signal connects to nothing": async () => {
    const { accepted } = await reportOf("good");
    const dialing = compose(tcp())(stage.peers.good, { signal: AbortSignal.abort(enough) });
    await assert.rejects(dialing, (error) => error === enough);
    assert.equal((await reportOf("good")).accepted, accepted);
  },

  "an abort ends the resolution of a name": () =>
    abortAt("dnsStart", compose(tcp({ lookup: () => {} })), "dead.test:1"),

  "an abort ends a connect that hangs": () => abortAt("connectStart", compose(tcp()), stage.hole),

  "an abort ends a TLS handshake and closes the connection": async () => {
    await abortAt("tlsHandshakeStart", overTls, stage.peers.silent);
    await untilSeen("silent", ({ open }) => open === 0);
  },

  "an abort ends a handshake and closes the connection": async () => {
    await abortAt("handshakeStart", compose(tcp()), stage.peers.good, { handshake: () => new Promise(() => {}) });
    await untilSeen("good", ({ open }) => open === 0);
  },

  "an abort ends the delay before a retry": () =>
    abortAt(
      "retryScheduled",
      compose(withRetry({ initialBackoffMs: 60_000, maxBackoffMs: 60_000, jitter: "none" }), tcp()),
      stage.peers.refused,
    ),

  "a signal of AbortSignal.timeout and one of AbortSignal.any end a dial": async () => {
    const handshake = () => new Promise<never>(() => {});
    for (const signal of [AbortSignal.timeout(50), AbortSignal.any([AbortSignal.timeout(50)])]) {
      const dialing = compose(tcp())(stage.peers.good, { signal, handshake });
      await assert.rejects(dialing, { name: "TimeoutError" });
    }
    await untilSeen("good", ({ open }) => open === 0);
  },

  "an abort after the dial leaves the connection open": async () => {
    const controller = new AbortController();
    const conn = await compose(tcp())(stage.peers.good, { signal: controller.signal });
    controller.abort();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(conn.destroyed, false);
    conn.destroy();
  },

  "200 aborted dials leave no connection at the server": async () => {
    const dial = compose(tcp());
    const aborted = Array.from({ length: 200 }, async (_, index) => {
      const controller = new AbortController();
      const dialing = dial(stage.peers.good, {
        signal: controller.signal,
        handshake: () => new Promise<never>(() => {}),
      });
      setTimeout(() => controller.abort(enough), index % 20);
      await assert.rejects(dialing, (error) => error === enough);
    });
    await Promise.all(aborted);
    await untilSeen("good", ({ open }) => open === 0);
  },

  "a dial that nothing aborts fails with its own error": async () => {
    const { signal } = new AbortController();
    assert.equal((await dialErrorOf(compose(tcp())(stage.peers.refused, { signal }))).reason, "refused");
    assert.equal(getEventListeners(signal, "abort").length, 0);
  },
};
