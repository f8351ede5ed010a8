import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "prom-client";
import { breakerStates, exhaustedCauses } from "../../src/core/event-values.ts";
import { isRetryable, type Reason } from "../../src/core/reasons.ts";
import {
  compose,
  type Dialer,
  httpProxy,
  type Middleware,
  parseTarget,
  tcp,
  tls,
  withRetry,
  withTimeout,
} from "../../src/index.ts";
import { type PrometheusOptions, withPrometheus } from "../../src/prometheus.ts";
import type { Instrument } from "../../src/telemetry/instrument.ts";
import { instruments } from "../../src/telemetry/instruments.ts";
import { prometheusName } from "../../src/telemetry/prometheus-name.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { freePort, goodPeer } from "../support/peers.ts";
import { scrape } from "./exposition.ts";
import { everyLayer, me, observed, table } from "./metered.ts";

/** The reasons of failures that `tcp()` may have. */
const reasonsOfTcp = [
  "timeout",
  "_OTHER",
  "dns_not_found",
  "dns_temporary",
  "refused",
  "reset",
  "unreachable",
  "access_denied",
  "local_resource",
];

describe("initial exposition of withPrometheus", () => {
  it("withPrometheus exposes every metric of the table, with type, unit suffix, help and labels", async () => {
    const registry = new Registry();
    const layer = withPrometheus({ registry });
    everyLayer([layer]);
    const limited = compose(layer, async (target, { trace } = {}) => {
      // A limit's histogram and the expiry of a certificate appear with the first.
      const ended = { durationMs: 1, outcome: "success" } as const;
      trace?.limitWait?.({ target: parseTarget(target), limit: "rate", ...ended });
      trace?.tlsHandshakeDone?.({ serverName: "h", peerCertificateExpiresAt: 1, ...ended });
      throw new Error("no more");
    });
    await assert.rejects(limited("h:1"));
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

  it("withPrometheus starts at zero what the layers beneath it can change", async () => {
    const registry = new Registry();
    everyLayer([withPrometheus({ registry })]);
    const { samples, value } = await scrape(registry);
    for (const sample of samples) assert.equal(sample.value, 0, sample.name);
    const ofTls = [
      "tls_closed",
      "tls_cert_expired",
      "tls_cert_untrusted",
      "tls_hostname",
      "tls_client_cert",
      "tls_protocol",
    ];
    for (const reason of [...reasonsOfTcp, ...ofTls, "proxy_auth", "proxy_rejected"]) {
      for (const metric of ["dialer_attempt_failed_total", "dialer_failovers_total"]) {
        assert.equal(value(metric, { ...me, error_type: reason }), 0);
      }
      const isRetried = samples.some(
        ({ name, labels }) => name === "dialer_retry_scheduled_total" && labels.error_type === reason,
      );
      assert.equal(isRetried, isRetryable(reason as Reason, 1), reason);
    }
    for (const phase of ["dns", "connect", "proxy", "tls"]) {
      assert.equal(value("dialer_phase_duration_seconds_count", { ...me, dialer_phase: phase, error_type: "" }), 0);
    }
    for (const state of breakerStates) {
      assert.equal(value("dialer_breaker_status", { ...me, dialer_endpoint: "", dialer_breaker_state: state }), 0);
    }
    for (const cause of exhaustedCauses) {
      assert.equal(value("dialer_retry_exhausted_total", { ...me, dialer_retry_cause: cause }), 0);
    }
    assert.equal(value("dialer_dial_duration_seconds_count", { ...me, error_type: "" }), 0);
  });

  it("withPrometheus starts no series of a layer or phase that is not beneath it", async () => {
    const absent: readonly (readonly [RegExp, ...[...Middleware[], Dialer]])[] = [
      [/retry|backoff|timeouts|failover|breaker|limit|proxy|tls|handshake|idle|unix|circuit|pool/, tcp()],
      [/failover|breaker|limit|proxy|tls|handshake|idle|unix/, withTimeout({ timeoutMs: 1 }), withRetry(), tcp()],
      [/dns|connect_done|phase|retry|refused|reset"/, scriptedDialer() as never],
      [/proxy|retry|breaker/, tls() as never],
      [/tls|retry|breaker/, httpProxy({ proxy: "http://proxy:3128" })],
    ];
    for (const [what, ...layers] of absent) {
      const { registry } = observed(...layers);
      const { samples } = await scrape(registry);
      assert.ok(samples.length > 40);
      const shown = samples
        .map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`)
        .filter((each) => what.test(each));
      // A connection may be reset whatever dialed it.
      assert.deepEqual(
        shown.filter((each) => !each.includes("close_reason")),
        [],
      );
    }
  });

  it("withPrometheus starts series for layers beneath it, even beneath a user's decorator, and none for layers above it", async () => {
    const isRetrying = async (registry: Registry) =>
      (await scrape(registry)).samples.some(({ name }) => name === "dialer_retry_scheduled_total");
    const [above, beneath] = [new Registry(), new Registry()];
    compose(withRetry(), withPrometheus({ registry: above }), tcp());
    assert.equal(await isRetrying(above), false);
    const outside: Middleware = (next) => (target, options) => next(target, options);
    compose(withPrometheus({ registry: beneath }), outside, withRetry(), tcp());
    assert.equal(await isRetrying(beneath), true);
  });

  it("withPrometheus uses the buckets of the table", async () => {
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

describe("number of series of withPrometheus", () => {
  // Histograms have a series for each bucket, +Inf, sum and count: 17 for latencies, 13 for lifetimes.
  const latency = 14 + 3;
  const idle =
    latency + // dial.duration, of successes
    2 * latency + // phase.duration, of successful lookups and connects
    (10 + 3) + // connection.duration
    8 + // {dial,attempt}.active, dial.{failed,canceled}, attempt.{started,canceled}, connection.established, backoff.time
    9 + // attempt.failed
    8 + // retry.scheduled
    4 + // retry.exhausted
    2 + // timeouts, of dials and attempts
    2 * 3 + // connect.done: two families, three outcomes
    1 + // connection.count
    5 + // connection.closed
    2; // connection.io

  it("withPrometheus has at most 110 series for timeout, retry and tcp(), and as many after healthy dials", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(withTimeout({ timeoutMs: 5000 }), withRetry(), tcp());
    assert.equal((await scrape(registry)).samples.length, idle);
    for (let count = 0; count < 20; count += 1) (await dial(server.address)).destroy();
    assert.equal((await scrape(registry)).samples.length, idle);
    assert.equal(idle, 109);
  });

  it("withPrometheus adds one histogram for each new failure reason", async () => {
    const { registry, dial } = observed(withTimeout({ timeoutMs: 5000 }), withRetry({ maxAttempts: 1 }), tcp());
    const target = `127.0.0.1:${await freePort()}`;
    for (let count = 0; count < 5; count += 1) await assert.rejects(dial(target));
    const after = (await scrape(registry)).samples.length;
    assert.equal(after - idle, 2 * latency, "dial.duration and phase.duration{connect}, of refused");
  });
});

describe("options of withPrometheus", () => {
  const registry = new Registry();
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /withPrometheus: options must be an object, got undefined/],
    [{}, /withPrometheus: registry must be a Registry of prom-client, got undefined/],
    [{ registry, endpoints: "a:1" }, /withPrometheus: endpoints must be an array, got "a:1"/],
    [{ registry, endpoints: ["a:1", 7] }, /withPrometheus: endpoints must be strings of 1 to 128 characters, got 7/],
    [{ registry, endpoints: Array(33).fill("a:1") }, /withPrometheus: endpoints must have at most 32 entries, got 33/],
    [{ registry: {} }, /withPrometheus: registry must be a Registry of prom-client, got an object/],
    [{ registry, name: "" }, /withPrometheus: name must be a string of 1 to 128 characters, got ""/],
    [{ registry, name: 7 }, /withPrometheus: name must be a string of 1 to 128 characters, got 7/],
    [{ registry, name: "x".repeat(129) }, /withPrometheus: name must be a string of 1 to 128 characters, got "x+…"/],
    [{ registry, nmae: "x" }, /withPrometheus: unknown option nmae; did you mean name\?$/],
    [{ registry, goConntrack: "yes" }, /withPrometheus: goConntrack must be a boolean, got "yes"/],
  ];
  for (const [options, message] of cases) {
    it(`withPrometheus refuses invalid options with ${message.source}`, () => {
      assert.throws(() => withPrometheus(options as PrometheusOptions), { name: "TypeError", message });
    });
  }

  it("withPrometheus leaves the registry unchanged when it refuses options", async () => {
    assert.equal((await scrape(registry)).samples.length, 0);
  });
});
