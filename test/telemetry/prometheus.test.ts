import assert from "node:assert/strict";
import { once } from "node:events";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { register as defaultRegistry, openMetricsContentType, Registry } from "prom-client";
import { breakerStates, closeReasons } from "../../src/core/event-values.ts";
import { reasons } from "../../src/core/reasons.ts";
import type { DialTrace } from "../../src/core/trace.ts";
import { setCloseReason, traceOf } from "../../src/engine/tracker.ts";
import {
  compose,
  DialError,
  type Dialer,
  type Middleware,
  parseTarget,
  tcp,
  withRetry,
  withTimeout,
} from "../../src/index.ts";
import { natsMetrics, type PrometheusOptions, withPrometheus } from "../../src/prometheus.ts";
import { type Instrument, instruments } from "../../src/telemetry/instruments.ts";
import { prometheusName } from "../../src/telemetry/prometheus-instruments.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { connection } from "../support/contract.ts";
import { freePort, goodPeer, peer, silentPeer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { type Sample, type Scrape, scrape } from "./exposition.ts";

const me = { dialer_name: "default" };

/** The table's rows that `withPrometheus` publishes, as a scrape must show them. */
const table: readonly (readonly [string, string, readonly string[]])[] = [
  ["dialer_dial_duration_seconds", "histogram", ["error_type"]],
  ["dialer_dial_active", "gauge", []],
  ["dialer_dials_failed_total", "counter", []],
  ["dialer_dials_canceled_total", "counter", []],
  ["dialer_attempts_started_total", "counter", []],
  ["dialer_attempt_active", "gauge", []],
  ["dialer_attempts_failed_total", "counter", ["error_type"]],
  ["dialer_attempts_canceled_total", "counter", []],
  ["dialer_connections_established_total", "counter", []],
  ["dialer_phase_duration_seconds", "histogram", ["phase", "error_type"]],
  ["dialer_connects_total", "counter", ["network_type", "outcome"]],
  ["dialer_retries_total", "counter", ["error_type"]],
  ["dialer_retries_exhausted_total", "counter", ["cause"]],
  ["dialer_backoff_time_seconds_total", "counter", []],
  ["dialer_timeouts_total", "counter", ["scope"]],
  ["dialer_failovers_total", "counter", ["error_type"]],
  ["dialer_breaker_status", "gauge", ["endpoint", "state"]],
  ["dialer_breaker_transitions_total", "counter", ["endpoint", "state"]],
  ["dialer_limit_wait_duration_seconds", "histogram", ["limit"]],
  ["dialer_connection_count", "gauge", ["state"]],
  ["dialer_connections_closed_total", "counter", ["reason"]],
  ["dialer_connection_duration_seconds", "histogram", []],
  ["dialer_connection_io_bytes_total", "counter", ["direction"]],
  ["dialer_tls_peer_certificate_expiry_timestamp_seconds", "gauge", []],
];

/** What a dialer has counted, series at zero left out. Histograms by their counts. */
function counted(scraped: Scrape): Record<string, string | string[]> {
  const seen: Record<string, string | string[]> = {};
  for (const [name, type] of table) {
    const found = scraped.nonZero(type === "histogram" ? `${name}_count` : name);
    const short = name.replace(/^dialer_/, "").replace(/(_seconds|_bytes)?(_total)?$/, "");
    if (found.length > 0 && short !== "connection_io") seen[short] = found.map((each) => each.replace(/^ → /, ""));
  }
  return seen;
}

/** `signals.md`, section 0: holds at every scrape. */
function assertInvariant(scraped: Scrape, name = "default"): void {
  const value = (metric: string, labels = {}) => scraped.value(metric, { dialer_name: name, ...labels });
  const failed = scraped.samples
    .filter((each) => each.name === "dialer_attempts_failed_total" && each.labels.dialer_name === name)
    .reduce((sum, each) => sum + each.value, 0);
  assert.equal(
    value("dialer_attempts_started_total"),
    value("dialer_connections_established_total") +
      failed +
      value("dialer_attempts_canceled_total") +
      value("dialer_attempt_active"),
    "attempts started = established + failed + canceled + active",
  );
}

function observed(...layers: [...Middleware[], Dialer]): { registry: Registry; dial: Dialer } {
  const registry = new Registry();
  return { registry, dial: compose(withPrometheus({ registry }), ...layers) };
}

describe("the exposition of a dialer that has done nothing", () => {
  it("has every row of the table, with its type, unit suffix, help and labels", async () => {
    const { registry, dial } = observed(async (target, { trace } = {}) => {
      // What has a histogram of its own only once there was one.
      for (const limit of ["concurrency", "rate"] as const) {
        trace?.limitWait?.({ target: parseTarget(target), limit, durationMs: 1, outcome: "success" });
      }
      throw new Error("no more");
    });
    await assert.rejects(dial("h:1"));
    const { families } = await scrape(registry);
    assert.deepEqual([...families.keys()].sort(), table.map(([name]) => name).sort());
    const rows: Instrument[] = Object.values(instruments);
    for (const [name, type, labels] of table) {
      const family = families.get(name);
      assert.ok(family, name);
      assert.equal(family.type, type, name);
      assert.equal(family.help, rows.find((row) => prometheusName(row) === name)?.help, name);
      assert.ok(family.help.endsWith("."), name);
      for (const sample of family.samples) {
        assert.deepEqual(
          Object.keys(sample.labels)
            .filter((label) => label !== "le")
            .sort(),
          ["dialer_name", ...labels].sort(),
          name,
        );
      }
    }
  });

  it("starts every counter and gauge at zero, for every value of every label", async () => {
    const { registry } = observed(tcp());
    const { samples, value, families } = await scrape(registry);
    for (const sample of samples) assert.equal(sample.value, 0, sample.name);
    for (const row of Object.values(instruments) as Instrument[]) {
      if (row.kind === "histogram" || !/^dialer\.(?!pool)/.test(row.name)) continue;
      // A moment: zero would be one long past.
      if (row.name.endsWith(".timestamp")) continue;
      const combinations = Object.values(row.labels).reduce(
        (product, values) => product * Math.max(1, values.length),
        1,
      );
      assert.equal(families.get(prometheusName(row))?.samples.length, combinations, row.name);
    }
    for (const reason of reasons) assert.equal(value("dialer_attempts_failed_total", { ...me, error_type: reason }), 0);
    for (const reason of closeReasons) assert.equal(value("dialer_connections_closed_total", { ...me, reason }), 0);
    assert.equal(value("dialer_dial_duration_seconds_count", { ...me, error_type: "" }), 0);
    assert.equal(value("dialer_phase_duration_seconds_count", { ...me, phase: "handshake", error_type: "" }), 0);
  });

  it("has the buckets of its table", async () => {
    const { registry } = observed(tcp());
    const { samples } = await scrape(registry);
    const bounds = (name: string) =>
      samples.filter((each) => each.name === `${name}_bucket`).map((each) => each.labels.le);
    const latency = "0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 +Inf";
    const lifetime = "1 10 60 300 900 3600 14400 43200 86400 604800 +Inf";
    assert.equal(bounds("dialer_dial_duration_seconds").join(" "), latency);
    assert.equal(bounds("dialer_connection_duration_seconds").join(" "), lifetime);
  });
});

describe("the number of series", () => {
  // Histograms have a series for each bucket, +Inf, sum and count: 17 for latencies, 13 for lifetimes.
  const latency = 14 + 3;
  const idle =
    latency + // dial.duration, of successes
    5 * latency + // phase.duration, of successes in each of five phases
    (10 + 3) + // connection.duration
    2 * 26 + // attempts.failed and retries, by reason
    8 + // dial.active, attempt.active, dials.{failed,canceled}, attempts.{started,canceled}, connections.established, backoff.time
    9 + // connects: three families, three outcomes
    4 + // retries.exhausted
    5 + // timeouts
    26 + // failovers
    2 * 3 + // breaker.status and breaker.transitions
    2 + // connection.count
    10 + // connections.closed
    2; // connection.io

  it("is exactly known for a healthy dialer, and dialing on does not add any", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(withTimeout({ timeoutMs: 5000 }), withRetry(), tcp());
    assert.equal((await scrape(registry)).samples.length, idle);
    for (let count = 0; count < 20; count += 1) (await dial(server.address)).destroy();
    assert.equal((await scrape(registry)).samples.length, idle);
    assert.equal(idle, 239);
  });

  it("grows by one histogram for each new reason of a failure, and a healthy one stays below 320 with NATS and go-conntrack", async () => {
    const registry = new Registry();
    natsMetrics({ registry });
    const dial = compose(withPrometheus({ registry, goConntrack: true }), tcp());
    const before = (await scrape(registry)).samples.length;
    const target = `127.0.0.1:${await freePort()}`;
    for (let count = 0; count < 5; count += 1) await assert.rejects(dial(target));
    const after = (await scrape(registry)).samples.length;
    assert.equal(after - before, 2 * latency, "dial.duration and phase.duration{tcp}, of refused");
    assert.equal(before, idle + 7 + 69, "go-conntrack's 3 + 4 reasons; a NATS client's, which its own test counts");
    assert.ok(before < 320, `${before}`);
  });
});

describe("what a dial counts", () => {
  it("first-try success", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(tcp());
    const conn = await dial(server.address);
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped), {
      dial_duration: ["error_type= → 1"],
      attempts_started: ["1"],
      connections_established: ["1"],
      phase_duration: ["error_type=,phase=tcp → 1"],
      connects: ["network_type=ipv4,outcome=success → 1"],
      connection_count: ["state=used → 1"],
    });
    assertInvariant(scraped);
    conn.destroy();
  });

  it("success by name, with the handshake", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(tcp({ family: 4 }));
    const conn = await dial(`localhost:${server.port}`, { handshake: async (socket) => socket });
    assert.deepEqual(counted(await scrape(registry)).phase_duration, [
      "error_type=,phase=dns → 1",
      "error_type=,phase=tcp → 1",
      "error_type=,phase=handshake → 1",
    ]);
    conn.destroy();
  });

  it("refused, then success: the dial succeeded, its first attempt did not", async () => {
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
      attempts_started: ["2"],
      attempts_failed: ["error_type=refused → 1"],
      connections_established: ["1"],
      phase_duration: ["error_type=,phase=tcp → 1", "error_type=refused,phase=tcp → 1"],
      connects: ["network_type=ipv4,outcome=success → 1", "network_type=ipv4,outcome=failure → 1"],
      retries: ["error_type=refused → 1"],
      backoff_time: ["0.02"],
      connection_count: ["state=used → 1"],
    });
    assertInvariant(scraped);
    conn.destroy();
  });

  it("all attempts failed", async () => {
    const { registry, dial } = observed(withRetry({ maxAttempts: 3, initialBackoffMs: 1, jitter: "none" }), tcp());
    await assert.rejects(dial(`127.0.0.1:${await freePort()}`), { code: "ECONNREFUSED" });
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped), {
      dial_duration: ["error_type=refused → 1"],
      dials_failed: ["1"],
      attempts_started: ["3"],
      attempts_failed: ["error_type=refused → 3"],
      phase_duration: ["error_type=refused,phase=tcp → 3"],
      connects: ["network_type=ipv4,outcome=failure → 3"],
      retries: ["error_type=refused → 2"],
      retries_exhausted: ["cause=attempts → 1"],
      backoff_time: ["0.003"],
    });
    assertInvariant(scraped);
  });

  it("a failure that no retry can mend", async () => {
    const expired = Object.assign(new Error("certificate has expired"), { code: "CERT_HAS_EXPIRED" });
    const { registry, dial } = observed(withRetry(), (async () => {
      throw expired;
    }) as Dialer);
    await assert.rejects(dial("db:1"));
    assert.deepEqual(counted(await scrape(registry)), {
      dial_duration: ["error_type=tls_cert_expired → 1"],
      dials_failed: ["1"],
      attempts_started: ["1"],
      attempts_failed: ["error_type=tls_cert_expired → 1"],
      retries_exhausted: ["cause=non_retryable → 1"],
    });
  });

  it("a timeout of each attempt", async () => {
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
      dials_failed: ["1"],
      attempts_started: ["2"],
      attempts_failed: ["error_type=timeout → 2"],
      phase_duration: ["error_type=,phase=tcp → 2", "error_type=timeout,phase=handshake → 2"],
      connects: ["network_type=ipv4,outcome=success → 2"],
      retries: ["error_type=timeout → 1"],
      retries_exhausted: ["cause=attempts → 1"],
      backoff_time: ["0.1"],
      timeouts: ["scope=attempt → 2"],
    });
    assertInvariant(scraped);
  });

  it("a timeout of the whole dial while an attempt runs, and one that leaves no time to wait for another", async () => {
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
      dials_failed: ["1"],
      attempts_started: ["1"],
      attempts_failed: ["error_type=timeout → 1"],
      phase_duration: ["error_type=,phase=tcp → 1", "error_type=timeout,phase=handshake → 1"],
      connects: ["network_type=ipv4,outcome=success → 1"],
      retries_exhausted: ["cause=deadline → 1"],
      timeouts: ["scope=dial → 1"],
    });

    await assert.rejects(dial(`127.0.0.1:${await freePort()}`), { reason: "refused" });
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped).timeouts, ["scope=dial → 1"]);
    assert.deepEqual(counted(scraped).retries_exhausted, ["cause=deadline → 2"]);
    assert.deepEqual(counted(scraped).attempts_failed, ["error_type=refused → 1", "error_type=timeout → 1"]);
    assert.deepEqual(counted(scraped).dial_duration, ["error_type=refused → 1", "error_type=timeout → 1"]);
    assert.deepEqual(counted(scraped).backoff_time, undefined, "a wait that is not begun");
    assertInvariant(scraped);
  });

  it("a failed handshake", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(tcp());
    const handshake = async () => {
      throw new DialError("the peer speaks something else", { reason: "protocol" });
    };
    await assert.rejects(dial(server.address, { handshake }), { reason: "protocol" });
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped), {
      dial_duration: ["error_type=protocol → 1"],
      dials_failed: ["1"],
      attempts_started: ["1"],
      attempts_failed: ["error_type=protocol → 1"],
      phase_duration: ["error_type=,phase=tcp → 1", "error_type=protocol,phase=handshake → 1"],
      connects: ["network_type=ipv4,outcome=success → 1"],
    });
    assertInvariant(scraped);
  });

  it("an IPv6 address and a unix socket", async () => {
    const { registry, dial } = observed(tcp());
    await assert.rejects(dial("unix:/nonexistent/dialtrace.sock"), { code: "ENOENT" });
    await assert.rejects(dial(`[::1]:${await freePort()}`));
    assert.deepEqual(counted(await scrape(registry)).connects, [
      "network_type=ipv6,outcome=failure → 1",
      "network_type=unix,outcome=failure → 1",
    ]);
  });

  it("dials and attempts under way", async () => {
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

  it("times in seconds", async () => {
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

describe("a caller's abort is neither success nor failure", () => {
  const canceled = { dials_canceled: ["1"], attempts_started: ["1"], attempts_canceled: ["1"] };

  it("before the dial: nothing has happened", async () => {
    const { registry, dial } = observed(tcp());
    await assert.rejects(dial("127.0.0.1:1", { signal: AbortSignal.abort() }), { name: "AbortError" });
    assert.deepEqual(counted(await scrape(registry)), {});
  });

  it("during the lookup", async () => {
    const { registry, dial } = observed(tcp({ lookup: () => {} }));
    await assert.rejects(abortedSoon(dial, "db.internal:5432"), { name: "AbortError" });
    assert.deepEqual(counted(await scrape(registry)), canceled);
  });

  it("during the connect", async () => {
    const { registry, dial } = observed(tcp());
    const controller = new AbortController();
    const trace: DialTrace = { connectStart: () => queueMicrotask(() => controller.abort()) };
    await using server = await goodPeer();
    await assert.rejects(dial(server.address, { signal: controller.signal, trace }), { name: "AbortError" });
    assert.deepEqual(counted(await scrape(registry)), {
      ...canceled,
      connects: ["network_type=ipv4,outcome=canceled → 1"],
    });
  });

  it("during the handshake, also one that ignores it", async () => {
    await using server = await silentPeer();
    const { registry, dial } = observed(tcp());
    await assert.rejects(
      abortedSoon(dial, server.address, () => new Promise(() => {})),
      { name: "AbortError" },
    );
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped), {
      ...canceled,
      phase_duration: ["error_type=,phase=tcp → 1"],
      connects: ["network_type=ipv4,outcome=success → 1"],
    });
    assertInvariant(scraped);
  });

  it("during the wait between attempts", async () => {
    const { registry, dial } = observed(
      withRetry({ initialBackoffMs: 60_000, jitter: "none", maxBackoffMs: 60_000 }),
      tcp(),
    );
    await assert.rejects(abortedSoon(dial, `127.0.0.1:${await freePort()}`), { name: "AbortError" });
    assert.deepEqual(counted(await scrape(registry)), {
      dials_canceled: ["1"],
      attempts_started: ["1"],
      attempts_failed: ["error_type=refused → 1"],
      phase_duration: ["error_type=refused,phase=tcp → 1"],
      connects: ["network_type=ipv4,outcome=failure → 1"],
      retries: ["error_type=refused → 1"],
      backoff_time: ["60"],
    });
  });

  it("in a later attempt, of a base that ignores it: all is counted by the time the dial rejects", async () => {
    let calls = 0;
    const deaf = (() => (++calls === 1 ? Promise.reject(new Error("no")) : new Promise(() => {}))) as Dialer;
    const layers = [
      withTimeout({ timeoutMs: 5000 }),
      withRetry({ initialBackoffMs: 1 }),
      withTimeout({ timeoutMs: 5000 }),
    ] as const;
    const { registry, dial } = observed(...layers, deaf);
    await assert.rejects(abortedSoon(dial, "db.internal:1"), { name: "AbortError" });
    const scraped = await scrape(registry);
    assert.equal(calls, 2);
    assert.equal(scraped.value("dialer_attempt_active", me), 0);
    assert.equal(scraped.value("dialer_attempts_canceled_total", me), 1);
    assertInvariant(scraped);
  });

  it("but the caller's AbortSignal.timeout is a failure by timeout", async () => {
    await using server = await silentPeer();
    const { registry, dial } = observed(withRetry(), tcp());
    const dialed = dial(server.address, { signal: AbortSignal.timeout(30), handshake: () => new Promise(() => {}) });
    await assert.rejects(dialed, { name: "TimeoutError" });
    const scraped = await scrape(registry);
    assert.deepEqual(counted(scraped), {
      dial_duration: ["error_type=timeout → 1"],
      dials_failed: ["1"],
      attempts_started: ["1"],
      attempts_failed: ["error_type=timeout → 1"],
      phase_duration: ["error_type=,phase=tcp → 1", "error_type=timeout,phase=handshake → 1"],
      connects: ["network_type=ipv4,outcome=success → 1"],
      retries_exhausted: ["cause=deadline → 1"],
    });
    assertInvariant(scraped);
  });

  function abortedSoon(dial: Dialer, target: string, handshake?: () => Promise<Socket>): Promise<Socket> {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    return dial(target, { signal: controller.signal, handshake });
  }
});

describe("connections", () => {
  async function closedBy(serve: (socket: Socket) => void, close: (conn: Socket) => void): Promise<Scrape> {
    await using server = await peer(serve);
    const { registry, dial } = observed(tcp());
    const conn = await dial(server.address);
    conn.on("error", () => {});
    conn.resume();
    const closed = new Promise((resolve) => conn.on("close", resolve));
    close(conn);
    await closed;
    const scraped = await scrape(registry);
    assert.equal(scraped.value("dialer_connection_count", { ...me, state: "used" }), 0);
    assert.equal(scraped.value("dialer_connection_duration_seconds_count", me), 1);
    return scraped;
  }
  const nothing = () => {};
  const fail = (code: string) => (conn: Socket) => void conn.destroy(Object.assign(new Error(code), { code }));
  const stated = (reason: (typeof closeReasons)[number]) => (conn: Socket) => {
    setCloseReason(conn, reason);
    conn.destroy();
  };
  const cases: readonly (readonly [string, (typeof closeReasons)[number], (s: Socket) => void, (c: Socket) => void])[] =
    [
      ["destroy() here", "local", nothing, (conn) => conn.destroy()],
      ["end() here, answered by the peer", "local", (socket) => socket.resume(), (conn) => conn.end()],
      ["the peer's FIN", "remote", (socket) => socket.end(), nothing],
      ["the peer's reset", "reset", (socket) => setTimeout(() => socket.resetAndDestroy(), 20), nothing],
      ["the system's timeout", "timeout", nothing, fail("ETIMEDOUT")],
      ["an error", "error", nothing, fail("ERR_STREAM_WHATEVER")],
      ...(["idle", "max_lifetime", "stale", "drain", "unhealthy"] as const).map(
        (reason) => [`its owner, who says ${reason}`, reason, nothing, stated(reason)] as const,
      ),
    ];

  for (const [how, reason, serve, close] of cases) {
    it(`closed by ${how} count under ${reason}, once`, async () => {
      const scraped = await closedBy(serve, close);
      assert.deepEqual(scraped.nonZero("dialer_connections_closed_total"), [`reason=${reason} → 1`]);
    });
  }

  it("every reason that there is has its test above", () => {
    assert.deepEqual([...new Set(cases.map(([, reason]) => reason))].sort(), [...closeReasons].sort());
  });

  it("count the close once, whatever is called afterwards, and though a client removes all listeners", async () => {
    const scraped = await closedBy(nothing, (conn) => {
      const [close] = conn.listeners("close").slice(-1);
      conn.removeAllListeners();
      conn.on("close", close as () => void);
      conn.destroy();
      conn.destroy(new Error("again"));
      conn.end();
    });
    assert.deepEqual(scraped.nonZero("dialer_connections_closed_total"), ["reason=local → 1"]);
  });

  it("have their bytes read at each scrape while open, and at the close, none twice", async () => {
    await using server = await peer((socket) => {
      socket.on("data", (chunk) => socket.write(Buffer.alloc(chunk.length * 2)));
    });
    const { registry, dial } = observed(tcp());
    const conn = await dial(server.address);
    let received = 0;
    conn.on("data", (chunk) => {
      received += chunk.length;
    });
    const bytes = async () => {
      const { value } = await scrape(registry);
      return ["receive", "transmit"].map((direction) =>
        value("dialer_connection_io_bytes_total", { ...me, direction }),
      );
    };
    assert.deepEqual(await bytes(), [0, 0]);
    conn.write(Buffer.alloc(1000));
    await until(() => received === 2000, "the first echo");
    assert.deepEqual(await bytes(), [2000, 1000]);
    assert.deepEqual(await bytes(), [2000, 1000], "a second scrape adds nothing");
    conn.write(Buffer.alloc(50));
    await until(() => received === 2100, "the second echo");
    conn.destroy();
    assert.deepEqual(await bytes(), [2100, 1050], "those since the last scrape");
    assert.deepEqual(await bytes(), [2100, 1050]);
  });

  it("add up the bytes of several, open and closed, and of those that the peer closed", async () => {
    await using server = await peer((socket) => socket.end("0123456789"));
    const { registry, dial } = observed(tcp());
    const conns = await Promise.all([1, 2, 3].map(() => dial(server.address)));
    for (const conn of conns) {
      conn.resume();
      await once(conn, "close");
    }
    const { value } = await scrape(registry);
    assert.equal(value("dialer_connection_io_bytes_total", { ...me, direction: "receive" }), 30);
    assert.equal(value("dialer_connections_closed_total", { ...me, reason: "remote" }), 3);
  });

  it("are not touched per chunk: no listener stays, and no method that carries data is wrapped", async () => {
    await using server = await goodPeer();
    const { dial } = observed(withTimeout({ timeoutMs: 5000 }), withRetry(), tcp());
    const conn = await dial(server.address);
    const plain = await tcp()(server.address);
    for (const event of ["data", "readable", "end", "drain", "finish", "close", "error", "connect", "timeout"]) {
      assert.equal(conn.listenerCount(event), plain.listenerCount(event), event);
    }
    const own = (socket: Socket) =>
      Object.getOwnPropertyNames(socket).filter((name) => typeof socket[name as never] === "function");
    assert.deepEqual(
      own(conn).filter((name) => !own(plain).includes(name)),
      ["_final", "_destroy"],
      "only what ends the stream is wrapped",
    );
    for (const name of ["write", "_write", "_writev", "push", "read", "_read", "emit", "on", "pipe"] as const) {
      assert.equal(conn[name as never], (Socket.prototype as Duplex)[name as never], name);
    }
    assert.equal(conn.readableFlowing, null, "neither paused nor resumed");
    conn.destroy();
    plain.destroy();
  });

  it("that come after the abort are counted as closed, or not at all, but never left open", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(tcp());
    for (let count = 0; count < 30; count += 1) {
      const controller = new AbortController();
      const dialed = dial(server.address, { signal: controller.signal });
      setTimeout(() => controller.abort(), count % 3);
      await dialed.then(
        (conn) => conn.destroy(),
        () => {},
      );
    }
    const scraped = await scrape(registry);
    assert.equal(scraped.value("dialer_connection_count", { ...me, state: "used" }), 0);
    assertInvariant(scraped);
  });
});

describe("several dialers in one registry", () => {
  it("are told apart by name", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const orders = compose(withPrometheus({ registry, name: "orders" }), tcp());
    const stock = compose(withPrometheus({ registry, name: 'st"o\\c\nk' }), tcp());
    const conns = [await orders(server.address), await orders(server.address), await stock(server.address)];
    const { value } = await scrape(registry);
    assert.equal(value("dialer_connections_established_total", { dialer_name: "orders" }), 2);
    assert.equal(value("dialer_connections_established_total", { dialer_name: 'st"o\\c\nk' }), 1);
    for (const conn of conns) conn.destroy();
  });

  it("share their series when they share a name, and never reset each other's", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const first = compose(withPrometheus({ registry, goConntrack: true }), tcp());
    const conn = await first(server.address);
    await assert.rejects(first(`127.0.0.1:${await freePort()}`));
    const before = (await scrape(registry)).text;
    const second = compose(withPrometheus({ registry, goConntrack: true }), tcp());
    assert.equal((await scrape(registry)).text, before);
    const other = await second(server.address);
    const { value } = await scrape(registry);
    assert.equal(value("dialer_dial_duration_seconds_count", { ...me, error_type: "" }), 2);
    assert.equal(value("dialer_connection_count", { ...me, state: "used" }), 2);
    assert.equal(value("net_conntrack_dialer_conn_established_total", me), 2);
    conn.destroy();
    other.destroy();
    assert.equal((await scrape(registry)).value("dialer_connection_count", { ...me, state: "used" }), 0);
  });

  it("observe at two layers of one dialer, each what is beneath it", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const layer = (name: string) => withPrometheus({ registry, name });
    const fails = scriptedDialer([new Error("no")]);
    let calls = 0;
    const base = tcp();
    const flaky: Dialer = (target, options) => (++calls < 3 ? (fails(target) as never) : base(target, options));
    const dial = compose(layer("outer"), withRetry({ initialBackoffMs: 0 }), layer("inner"), flaky);
    const conn = await dial(server.address);
    const { value } = await scrape(registry);
    const dials = (name: string, error_type: string) =>
      value("dialer_dial_duration_seconds_count", { dialer_name: name, error_type });
    assert.equal(dials("outer", ""), 1);
    assert.equal(dials("inner", ""), 1);
    assert.equal(dials("inner", "_OTHER"), 2);
    for (const name of ["outer", "inner"])
      assert.equal(value("dialer_attempts_started_total", { dialer_name: name }), 3);
    assert.equal(value("dialer_retries_total", { dialer_name: "outer", error_type: "_OTHER" }), 2);
    assert.equal(value("dialer_retries_total", { dialer_name: "inner", error_type: "_OTHER" }), 0);
    conn.destroy();
  });
});

describe("registries", () => {
  it("may be prom-client's default one", async () => {
    await using server = await goodPeer();
    const dial = compose(withPrometheus({ registry: defaultRegistry }), tcp());
    (await dial(server.address)).destroy();
    assert.equal((await scrape(defaultRegistry)).value("dialer_connections_established_total", me), 1);
    defaultRegistry.clear();
  });

  it("may be of the OpenMetrics type and have default labels", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    registry.setContentType(openMetricsContentType as never);
    registry.setDefaultLabels({ app: "shop" });
    const dial = compose(withPrometheus({ registry }), tcp());
    (await dial(server.address)).destroy();
    const { text, value } = await scrape(registry);
    assert.ok(text.endsWith("# EOF\n"));
    assert.equal(value("dialer_connections_established_total", { ...me, app: "shop" }), 1);
    assert.equal(value("dialer_connections_closed_total", { ...me, app: "shop", reason: "local" }), 1);
  });

  it("may be cleared: the dialer dials on, and a new one starts anew", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const dial = compose(withPrometheus({ registry }), tcp());
    const conn = await dial(server.address);
    registry.clear();
    conn.destroy();
    (await dial(server.address)).destroy();
    assert.equal((await scrape(registry)).samples.length, 0);
    const anew = compose(withPrometheus({ registry }), tcp());
    (await anew(server.address)).destroy();
    assert.equal((await scrape(registry)).value("dialer_connections_established_total", me), 1);
  });

  it("may be reset: counts start anew, and gauges go on telling the truth", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(tcp());
    const conns = [await dial(server.address), await dial(server.address)];
    registry.resetMetrics();
    const gauge = async () => (await scrape(registry)).value("dialer_connection_count", { ...me, state: "used" });
    assert.equal(await gauge(), 2, "they are still open");
    conns[0]?.destroy();
    assert.equal(await gauge(), 1);
    conns[1]?.destroy();
    assert.equal(await gauge(), 0);
    (await dial(server.address)).destroy();
    const { value } = await scrape(registry);
    assert.equal(value("dialer_connections_established_total", me), 1);
    assert.equal(value("dialer_connections_closed_total", { ...me, reason: "local" }), 3);
    assert.equal(value("dialer_dial_duration_seconds_count", { ...me, error_type: "" }), 1);
  });

  it("never see a label value from outside the closed sets, nor anything of the target", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(withRetry({ initialBackoffMs: 0, maxAttempts: 2 }), tcp());
    (await dial(`localhost:${server.port}`)).destroy();
    await assert.rejects(dial(`127.0.0.1:${await freePort()}`));
    await assert.rejects(dial("unix:/nonexistent/secret.sock"));
    const odd = Object.assign(new Error("ECONNREFUSED 10.1.2.3:4222"), { code: "EODD" });
    const failing = compose(withPrometheus({ registry }), (async () => {
      throw odd;
    }) as Dialer);
    await assert.rejects(failing("10.1.2.3:4222"));
    assertClosedSets((await scrape(registry)).samples);
  });

  it("see _OTHER for a reason that an adapter in plain JavaScript has made up", async () => {
    const { registry, dial } = observed((async () => {
      throw new DialError("adapted", { reason: "made_up" as never });
    }) as Dialer);
    await assert.rejects(dial("db:1"));
    const scraped = await scrape(registry);
    assertClosedSets(scraped.samples);
    assertInvariant(scraped);
    assert.equal(scraped.value("dialer_attempts_failed_total", { ...me, error_type: "_OTHER" }), 1);
    assert.equal(scraped.value("dialer_dial_duration_seconds_count", { ...me, error_type: "_OTHER" }), 1);
  });

  for (const made of ["made_up", "constructor", "__proto__", "10.1.2.3:4222", undefined] as never[]) {
    it(`see _OTHER for ${made}, whatever label it is made up for`, async () => {
      const { registry, dial } = observed((async (_target, { trace } = {}) => {
        const target = parseTarget("db:1");
        const failed = { durationMs: 1, outcome: "failure", reason: made ?? ("nothing" as never) } as const;
        trace?.connectDone?.({ address: { address: "10.1.2.3", port: 1, family: made }, ...failed });
        trace?.connectDone?.({
          address: { address: "10.1.2.3", port: 1, family: "ipv4" },
          durationMs: 1,
          outcome: made,
        });
        trace?.retryScheduled?.({ target, attempt: 2, delayMs: 1, error: undefined, reason: made });
        trace?.retryExhausted?.({ target, attempts: 2, cause: made, error: undefined, reason: "refused" });
        trace?.timeout?.({ target, scope: made, timeoutMs: 1 });
        trace?.failover?.({ target, from: target, to: target, error: undefined, reason: made });
        trace?.breakerChange?.({ target, state: made, previous: "closed" });
        trace?.limitWait?.({ target, limit: made, durationMs: 1, outcome: "success" });
        const conn = new Socket();
        trace?.connClosed?.({ target, conn, reason: made, durationMs: 1, bytesRead: 0, bytesWritten: 0 });
        return conn;
      }) as Dialer);
      (await dial("db:1")).destroy();
      const scraped = await scrape(registry);
      assertClosedSets(scraped.samples);
      const seen = (metric: string) => scraped.nonZero(`dialer_${metric}_total`);
      assert.deepEqual(seen("connects"), [
        "network_type=_OTHER,outcome=failure → 1",
        "network_type=ipv4,outcome=_OTHER → 1",
      ]);
      assert.deepEqual(seen("retries"), ["error_type=_OTHER → 1"]);
      assert.deepEqual(seen("retries_exhausted"), ["cause=_OTHER → 1"]);
      assert.deepEqual(seen("timeouts"), ["scope=_OTHER → 1"]);
      assert.deepEqual(seen("connections_closed"), ["reason=local → 1", "reason=_OTHER → 1"]);
      assert.deepEqual(seen("failovers"), ["error_type=_OTHER → 1"]);
      assert.deepEqual(seen("breaker_transitions"), ["endpoint=,state=_OTHER → 1"]);
      assert.equal(scraped.value("dialer_limit_wait_duration_seconds_count", { ...me, limit: "_OTHER" }), 1);
    });
  }

  function assertClosedSets(samples: readonly Sample[]): void {
    const rows: Instrument[] = Object.values(instruments);
    for (const { name, labels } of samples) {
      const row = rows.find(
        (each) => name.replace(/_(bucket|sum|count)$/, "") === prometheusName(each) || name === prometheusName(each),
      );
      for (const [label, value] of Object.entries(labels)) {
        if (label === "dialer_name" || label === "le") continue;
        if (label === "endpoint" && value === "") continue; // Prometheus takes it for none.
        const allowed = Object.entries(row?.labels ?? {}).find(([each]) => each.replaceAll(".", "_") === label)?.[1];
        assert.ok(allowed?.includes(value) || value === "_OTHER", `${name} ${label}=${value}`);
      }
    }
  }
});

describe("what layers decide", () => {
  const [a, b, c] = [parseTarget("a:1"), parseTarget("b:1"), parseTarget("c:1")];
  /** A dialer whose base plays `told`, and brings a connection that closes in its turn. */
  const played = (told: (trace: DialTrace) => void, endpoints?: readonly string[]) => {
    const registry = new Registry();
    const base: Dialer<Duplex> = async (_target, { trace = {} } = {}) => {
      told(trace);
      return connection();
    };
    return { registry, dial: compose(withPrometheus({ registry, ...(endpoints && { endpoints }) }), base) };
  };

  it("breakers are counted by their state, and its changes, of all targets together", async () => {
    const { registry, dial } = played(({ breakerChange }) => {
      breakerChange?.({ target: a, state: "open", previous: "closed" });
      breakerChange?.({ target: b, state: "open", previous: "closed" });
      breakerChange?.({ target: a, state: "half_open", previous: "open" });
      breakerChange?.({ target: a, state: "closed", previous: "half_open" });
    });
    await dial("h:1");
    const { nonZero } = await scrape(registry);
    assert.deepEqual(nonZero("dialer_breaker_status"), ["endpoint=,state=closed → 1", "endpoint=,state=open → 1"]);
    assert.deepEqual(nonZero("dialer_breaker_transitions_total"), [
      "endpoint=,state=closed → 1",
      "endpoint=,state=open → 2",
      "endpoint=,state=half_open → 1",
    ]);
  });

  it("breakers of the endpoints that are named are told apart, and begin at zero", async () => {
    const { registry, dial } = played(
      ({ breakerChange }) => {
        for (const target of [a, b, c]) breakerChange?.({ target, state: "open", previous: "closed" });
      },
      ["a:1", "b:1"],
    );
    const before = await scrape(registry);
    for (const endpoint of ["a:1", "b:1", "_OTHER"]) {
      for (const state of breakerStates) {
        assert.equal(before.value("dialer_breaker_status", { ...me, endpoint, state }), 0);
      }
    }
    await dial("h:1");
    assert.deepEqual((await scrape(registry)).nonZero("dialer_breaker_status").sort(), [
      "endpoint=_OTHER,state=open → 1",
      "endpoint=a:1,state=open → 1",
      "endpoint=b:1,state=open → 1",
    ]);
  });

  it("failovers are counted by the reason of the failure, waits at limits by how long they took", async () => {
    const { registry, dial } = played(({ failover, limitWait, startDelayed }) => {
      startDelayed?.({ target: a, delayMs: 250 });
      failover?.({ target: a, from: a, to: b, error: new Error("no"), reason: "refused" });
      limitWait?.({ target: a, limit: "rate", durationMs: 30, outcome: "success" });
      limitWait?.({ target: a, limit: "rate", durationMs: 20, outcome: "failure", reason: "timeout" });
      limitWait?.({ target: a, limit: "rate", durationMs: 10, outcome: "canceled" });
      limitWait?.({ target: a, limit: "rate", durationMs: 0, outcome: "failure", reason: "pool_exhausted" });
    });
    await dial("h:1");
    const { nonZero, value } = await scrape(registry);
    assert.equal(value("dialer_backoff_time_seconds_total", me), 0.25, "a wait before the first attempt is one, too");
    assert.deepEqual(nonZero("dialer_failovers_total"), ["error_type=refused → 1"]);
    assert.deepEqual(nonZero("dialer_limit_wait_duration_seconds_count"), ["limit=rate → 2"]);
    assert.equal(value("dialer_limit_wait_duration_seconds_sum", { ...me, limit: "rate" }), 0.05);
  });

  it("a connection that a pool keeps is idle, once, until it is handed out again or closes", async () => {
    const registry = new Registry();
    const dial = compose(withPrometheus({ registry }), async () => connection());
    const [kept, closed] = [await dial("h:1"), await dial("h:1")];
    const open = async () => {
      const { value } = await scrape(registry);
      return ["used", "idle"].map((state) => value("dialer_connection_count", { ...me, state }));
    };
    assert.deepEqual(await open(), [2, 0]);
    for (const conn of [kept, kept, closed]) traceOf(conn)?.putIdleConn?.({ target: a, conn });
    assert.deepEqual(await open(), [0, 2]);
    closed.destroy();
    assert.deepEqual(await open(), [0, 1]);
    for (const reused of [true, true]) traceOf(kept)?.gotConn?.({ target: a, conn: kept, reused });
    assert.deepEqual(await open(), [1, 0]);
    kept.destroy();
    assert.deepEqual(await open(), [0, 0]);
  });
});

describe("options of withPrometheus", () => {
  const registry = new Registry();
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /withPrometheus: options must be an object, got undefined/],
    [{}, /withPrometheus: registry must be a Registry of prom-client, got undefined/],
    [{ registry, endpoints: "a:1" }, /withPrometheus: endpoints must be an array, got "a:1"/],
    [{ registry, endpoints: ["a:1", 7] }, /withPrometheus: endpoints must be strings of 1 to 128 characters, got 7/],
    [{ registry, endpoints: Array(33).fill("a:1") }, /withPrometheus: endpoints must be 32 at most, got 33/],
    [{ registry: {} }, /withPrometheus: registry must be a Registry of prom-client, got an object/],
    [{ registry, name: "" }, /withPrometheus: name must be a string of 1 to 128 characters, got ""/],
    [{ registry, name: 7 }, /withPrometheus: name must be a string of 1 to 128 characters, got 7/],
    [{ registry, name: "x".repeat(129) }, /withPrometheus: name must be a string of 1 to 128 characters, got "x+…"/],
    [{ registry, nmae: "x" }, /withPrometheus: unknown option nmae; did you mean name\?$/],
    [{ registry, goConntrack: "yes" }, /withPrometheus: goConntrack must be a boolean, got "yes"/],
  ];
  for (const [options, message] of cases) {
    it(`refuses, with ${message.source}`, () => {
      assert.throws(() => withPrometheus(options as PrometheusOptions), { name: "TypeError", message });
    });
  }

  it("leave the registry alone when they are refused", async () => {
    assert.equal((await scrape(registry)).samples.length, 0);
  });
});
