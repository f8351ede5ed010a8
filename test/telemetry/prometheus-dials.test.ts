import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "prom-client";
import { compose, DialError, type Dialer, tcp, withRetry, withTimeout } from "../../src/index.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { freePort, goodPeer, silentPeer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { scrape } from "./exposition.ts";
import { assertInvariant, counted, me, observed } from "./metered.ts";

describe("counts of dials", () => {
  it("withPrometheus counts a dial that succeeds in its first attempt", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(tcp());
    const conn = await dial(server.address);
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped), {
      dial_duration: ["error_type= → 1"],
      attempt_started: ["1"],
      connection_established: ["1"],
      phase_duration: ["dialer_phase=connect,error_type= → 1"],
      connect_done: ["dialer_outcome=success,network_transport=tcp,network_type=ipv4 → 1"],
      connection_count: ["dialer_connection_state=used → 1"],
    });
    assertInvariant(scraped);
    conn.destroy();
  });

  it("withPrometheus counts a dial by name with a handshake", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(tcp({ family: 4 }));
    const conn = await dial(`localhost:${server.port}`, { handshake: async (socket) => socket });
    assert.deepEqual(counted(await scrape(registry)).phase_duration, [
      "dialer_phase=connect,error_type= → 1",
      "dialer_phase=dns,error_type= → 1",
      "dialer_phase=handshake,error_type= → 1",
    ]);
    conn.destroy();
  });

  it("withPrometheus counts a failed attempt and a successful dial when a retry succeeds", async () => {
    await using server = await goodPeer();
    const refused = await freePort();
    let calls = 0;
    const base = tcp();
    const flaky: Dialer = (_target, options) => {
      calls += 1;
      return base(`127.0.0.1:${calls === 1 ? refused : server.port}`, options);
    };
    const { registry, dial } = observed(withRetry({ initialBackoffMs: 20, jitter: "none" }), flaky);
    const conn = await dial(server.address);
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped), {
      dial_duration: ["error_type= → 1"],
      attempt_started: ["2"],
      attempt_failed: ["error_type=refused → 1"],
      connection_established: ["1"],
      phase_duration: ["dialer_phase=connect,error_type= → 1", "dialer_phase=connect,error_type=refused → 1"],
      connect_done: [
        "dialer_outcome=failure,network_transport=tcp,network_type=ipv4 → 1",
        "dialer_outcome=success,network_transport=tcp,network_type=ipv4 → 1",
      ],
      retry_scheduled: ["error_type=refused → 1"],
      backoff_time: ["0.02"],
      connection_count: ["dialer_connection_state=used → 1"],
    });
    assertInvariant(scraped);
    conn.destroy();
  });

  it("withPrometheus counts a dial whose attempts all failed", async () => {
    const { registry, dial } = observed(withRetry({ maxAttempts: 3, initialBackoffMs: 1, jitter: "none" }), tcp());
    await assert.rejects(dial(`127.0.0.1:${await freePort()}`), { code: "ECONNREFUSED" });
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped), {
      dial_duration: ["error_type=refused → 1"],
      dial_failed: ["1"],
      attempt_started: ["3"],
      attempt_failed: ["error_type=refused → 3"],
      phase_duration: ["dialer_phase=connect,error_type=refused → 3"],
      connect_done: ["dialer_outcome=failure,network_transport=tcp,network_type=ipv4 → 3"],
      retry_scheduled: ["error_type=refused → 2"],
      retry_exhausted: ["dialer_retry_cause=attempts → 1"],
      backoff_time: ["0.003"],
    });
    assertInvariant(scraped);
  });

  it("withPrometheus counts a failure that is not retried", async () => {
    const expired = Object.assign(new Error("certificate has expired"), { code: "CERT_HAS_EXPIRED" });
    const { registry, dial } = observed(withRetry(), (async () => {
      throw expired;
    }) as Dialer);
    await assert.rejects(dial("db:1"));
    assert.deepEqual(counted(await scrape(registry)), {
      dial_duration: ["error_type=tls_cert_expired → 1"],
      dial_failed: ["1"],
      attempt_started: ["1"],
      attempt_failed: ["error_type=tls_cert_expired → 1"],
      retry_exhausted: ["dialer_retry_cause=non_retryable → 1"],
    });
  });

  it("withPrometheus counts attempt timeouts", async () => {
    const clock = fakeClock();
    await using server = await silentPeer();
    const layers = [clock.layer, withRetry({ maxAttempts: 2, initialBackoffMs: 100, jitter: "none" })] as const;
    const { registry, dial } = observed(...layers, withTimeout({ timeoutMs: 1000 }), tcp());
    const dialed = dial(server.address, { handshake: () => new Promise(() => {}) });
    const ended = assert.rejects(dialed, { name: "DialError", reason: "timeout" });
    for (const attempts of [1, 2]) {
      await until(() => server.accepted === attempts && clock.pending === 1, "the handshake");
      await clock.advance(1000);
      await clock.advance(100);
    }
    await ended;
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped), {
      dial_duration: ["error_type=timeout → 1"],
      dial_failed: ["1"],
      attempt_started: ["2"],
      attempt_failed: ["error_type=timeout → 2"],
      phase_duration: ["dialer_phase=connect,error_type= → 2", "dialer_phase=handshake,error_type=timeout → 2"],
      connect_done: ["dialer_outcome=success,network_transport=tcp,network_type=ipv4 → 2"],
      retry_scheduled: ["error_type=timeout → 1"],
      retry_exhausted: ["dialer_retry_cause=attempts → 1"],
      backoff_time: ["0.1"],
      timeouts: ["dialer_timeout_scope=attempt → 2"],
    });
    assertInvariant(scraped);
  });

  it("withPrometheus counts dial timeouts during an attempt and before a delay that exceeds the deadline", async () => {
    const clock = fakeClock();
    await using server = await silentPeer();
    const layers = [
      clock.layer,
      withTimeout({ timeoutMs: 1000 }),
      withRetry({ initialBackoffMs: 5000, jitter: "none" }),
    ] as const;
    const { registry, dial } = observed(...layers, tcp());
    const hanging = assert.rejects(dial(server.address, { handshake: () => new Promise(() => {}) }), {
      name: "DialTimeoutError",
      scope: "dial",
    });
    await until(() => server.accepted === 1, "the handshake");
    await clock.advance(1000);
    await hanging;
    assert.deepEqual(counted(await scrape(registry)), {
      dial_duration: ["error_type=timeout → 1"],
      dial_failed: ["1"],
      attempt_started: ["1"],
      attempt_failed: ["error_type=timeout → 1"],
      phase_duration: ["dialer_phase=connect,error_type= → 1", "dialer_phase=handshake,error_type=timeout → 1"],
      connect_done: ["dialer_outcome=success,network_transport=tcp,network_type=ipv4 → 1"],
      retry_exhausted: ["dialer_retry_cause=deadline → 1"],
      timeouts: ["dialer_timeout_scope=dial → 1"],
    });

    await assert.rejects(dial(`127.0.0.1:${await freePort()}`), { reason: "refused" });
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped).timeouts, ["dialer_timeout_scope=dial → 1"]);
    assert.deepEqual(counted(scraped).retry_exhausted, ["dialer_retry_cause=deadline → 2"]);
    assert.deepEqual(counted(scraped).attempt_failed, ["error_type=refused → 1", "error_type=timeout → 1"]);
    assert.deepEqual(counted(scraped).dial_duration, ["error_type=refused → 1", "error_type=timeout → 1"]);
    assert.deepEqual(counted(scraped).backoff_time, undefined, "a skipped delay is not counted");
    assertInvariant(scraped);
  });

  it("withPrometheus counts a failed handshake", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(tcp());
    const handshake = async () => {
      throw new DialError("the peer speaks another protocol", { reason: "protocol" });
    };
    await assert.rejects(dial(server.address, { handshake }), { reason: "protocol" });
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped), {
      dial_duration: ["error_type=protocol → 1"],
      dial_failed: ["1"],
      attempt_started: ["1"],
      attempt_failed: ["error_type=protocol → 1"],
      phase_duration: ["dialer_phase=connect,error_type= → 1", "dialer_phase=handshake,error_type=protocol → 1"],
      connect_done: ["dialer_outcome=success,network_transport=tcp,network_type=ipv4 → 1"],
    });
    assertInvariant(scraped);
  });

  it("withPrometheus counts connects to IPv6 addresses and unix sockets", async () => {
    const { registry, dial } = observed(tcp());
    await assert.rejects(dial("unix:/nonexistent/dialtrace.sock"), { code: "ENOENT" });
    await assert.rejects(dial(`[::1]:${await freePort()}`));
    assert.deepEqual(counted(await scrape(registry)).connect_done, [
      "dialer_outcome=failure,network_transport=tcp,network_type=ipv6 → 1",
      "dialer_outcome=failure,network_transport=unix,network_type= → 1",
    ]);
  });

  it("withPrometheus shows dials and attempts in progress", async () => {
    const clock = fakeClock();
    const { registry, dial } = observed(
      clock.layer,
      withTimeout({ timeoutMs: 1000 }),
      scriptedDialer(["hang"]) as never,
    );
    const dials = [dial("a:1"), dial("b:1"), dial("c:1")].map((each) => assert.rejects(each));
    const during = await scrape(registry);
    assert.equal(during.value("dialer_dial_active", me), 3);
    assert.equal(during.value("dialer_attempt_active", me), 3);
    assertInvariant(during);
    await clock.advance(1000);
    await Promise.all(dials);
    const after = await scrape(registry);
    assert.equal(after.value("dialer_dial_active", me), 0);
    assert.equal(after.value("dialer_attempt_active", me), 0);
  });

  it("withPrometheus records durations in seconds", async () => {
    const clock = fakeClock();
    const registry = new Registry();
    const layers = [clock.layer, withPrometheus({ registry }), withTimeout({ timeoutMs: 1500 })] as const;
    const dial = compose(...layers, scriptedDialer(["hang"]));
    const ended = assert.rejects(dial("a:1"));
    await clock.advance(1500);
    await ended;
    const { value } = await scrape(registry);
    const timeout = { ...me, error_type: "timeout" };
    assert.equal(value("dialer_dial_duration_seconds_bucket", { ...timeout, le: "1" }), 0);
    assert.equal(value("dialer_dial_duration_seconds_bucket", { ...timeout, le: "2.5" }), 1);
  });
});
