import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import type { DialTrace } from "../../src/core/trace.ts";
import { type Dialer, tcp, withRetry, withTimeout } from "../../src/index.ts";
import { freePort, goodPeer, silentPeer } from "../support/peers.ts";
import { scrape } from "./exposition.ts";
import { assertInvariant, counted, me, observed } from "./metered.ts";

describe("withPrometheus and canceled dials", () => {
  const canceled = { dial_canceled: ["1"], attempt_started: ["1"], attempt_canceled: ["1"] };

  it("withPrometheus counts a dial canceled before its start as canceled, without an attempt", async () => {
    const { registry, dial } = observed(tcp());
    await assert.rejects(dial("127.0.0.1:1", { signal: AbortSignal.abort() }), { name: "AbortError" });
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped), { dial_canceled: ["1"] });
    assertInvariant(scraped);
  });

  it("withPrometheus counts a dial canceled during the DNS lookup as canceled", async () => {
    const { registry, dial } = observed(tcp({ lookup: () => {} }));
    await assert.rejects(abortedSoon(dial, "db.internal:5432"), { name: "AbortError" });
    assert.deepEqual(counted(await scrape(registry)), canceled);
  });

  it("withPrometheus counts a dial canceled during the connect as canceled", async () => {
    const { registry, dial } = observed(tcp());
    const controller = new AbortController();
    const trace: DialTrace = { connectStart: () => queueMicrotask(() => controller.abort()) };
    await using server = await goodPeer();
    await assert.rejects(dial(server.address, { signal: controller.signal, trace }), { name: "AbortError" });
    assert.deepEqual(counted(await scrape(registry)), {
      ...canceled,
      connect_done: ["dialer_outcome=canceled,network_transport=tcp,network_type=ipv4 → 1"],
    });
  });

  it("withPrometheus counts a dial canceled during the handshake as canceled, even if the handshake ignores it", async () => {
    await using server = await silentPeer();
    const { registry, dial } = observed(tcp());
    const controller = new AbortController();
    const handshakeStart = () => void setImmediate(() => controller.abort());
    const options = {
      signal: controller.signal,
      handshake: () => new Promise<never>(() => {}),
      trace: { handshakeStart },
    };
    await assert.rejects(dial(server.address, options), { name: "AbortError" });
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped), {
      ...canceled,
      phase_duration: ["dialer_phase=connect,error_type= → 1"],
      connect_done: ["dialer_outcome=success,network_transport=tcp,network_type=ipv4 → 1"],
    });
    assertInvariant(scraped);
  });

  it("withPrometheus counts a dial canceled during a retry delay as canceled", async () => {
    const { registry, dial } = observed(
      withRetry({ initialBackoffMs: 60_000, jitter: "none", maxBackoffMs: 60_000 }),
      tcp(),
    );
    const controller = new AbortController();
    // The abort comes a turn later than the event, as the abort of a caller does.
    const retryScheduled = () => void setImmediate(() => controller.abort());
    const dialing = dial(`127.0.0.1:${await freePort()}`, { signal: controller.signal, trace: { retryScheduled } });
    await assert.rejects(dialing, { name: "AbortError" });
    assert.deepEqual(counted(await scrape(registry)), {
      dial_canceled: ["1"],
      attempt_started: ["1"],
      attempt_failed: ["error_type=refused → 1"],
      phase_duration: ["dialer_phase=connect,error_type=refused → 1"],
      connect_done: ["dialer_outcome=failure,network_transport=tcp,network_type=ipv4 → 1"],
      retry_scheduled: ["error_type=refused → 1"],
      backoff_time: ["60"],
    });
  });

  it("withPrometheus has counted a canceled dial when it rejects, even if the base dialer ignores the signal", async () => {
    let calls = 0;
    const controller = new AbortController();
    const deaf: Dialer = () => {
      calls += 1;
      if (calls === 1) return Promise.reject(new Error("no"));
      setImmediate(() => controller.abort());
      return new Promise(() => {});
    };
    const layers = [
      withTimeout({ timeoutMs: 5000 }),
      withRetry({ initialBackoffMs: 1 }),
      withTimeout({ timeoutMs: 5000 }),
    ] as const;
    const { registry, dial } = observed(...layers, deaf);
    await assert.rejects(dial("db.internal:1", { signal: controller.signal }), { name: "AbortError" });
    const scraped = await scrape(registry);
    assert.equal(calls, 2);
    assert.equal(scraped.value("dialer_attempt_active", me), 0);
    assert.equal(scraped.value("dialer_attempt_canceled_total", me), 1);
    assertInvariant(scraped);
  });

  it("withPrometheus counts a dial whose signal aborts with the reason of AbortSignal.timeout as a timeout failure", async () => {
    await using server = await silentPeer();
    const { registry, dial } = observed(withRetry(), tcp());
    const controller = new AbortController();
    // The timeout begins with the handshake, so that it never ends the connect.
    const handshake = () => {
      const signal = AbortSignal.timeout(10);
      signal.addEventListener("abort", () => controller.abort(signal.reason));
      return new Promise<never>(() => {});
    };
    await assert.rejects(dial(server.address, { signal: controller.signal, handshake }), { name: "TimeoutError" });
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped), {
      dial_duration: ["error_type=timeout → 1"],
      dial_failed: ["1"],
      attempt_started: ["1"],
      attempt_failed: ["error_type=timeout → 1"],
      phase_duration: ["dialer_phase=connect,error_type= → 1", "dialer_phase=handshake,error_type=timeout → 1"],
      connect_done: ["dialer_outcome=success,network_transport=tcp,network_type=ipv4 → 1"],
      retry_exhausted: ["dialer_retry_cause=deadline → 1"],
    });
    assertInvariant(scraped);
  });

  function abortedSoon(dial: Dialer, target: string, handshake?: () => Promise<Socket>): Promise<Socket> {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    return dial(target, { signal: controller.signal, handshake });
  }
});
