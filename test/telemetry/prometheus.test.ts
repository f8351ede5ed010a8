import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "prom-client";
import { closeReasons } from "../../src/core/event-values.ts";
import { reasons } from "../../src/core/reasons.ts";
import { compose, parseTarget, tcp, withRetry, withTimeout } from "../../src/index.ts";
import { natsMetrics, type PrometheusOptions, withPrometheus } from "../../src/prometheus.ts";
import type { Instrument } from "../../src/telemetry/instrument.ts";
import { instruments } from "../../src/telemetry/instruments.ts";
import { prometheusName } from "../../src/telemetry/prometheus-instruments.ts";
import { freePort, goodPeer } from "../support/peers.ts";
import { scrape } from "./exposition.ts";
import { me, observed, table } from "./metered.ts";

/** Series of dialer.connect.done: three families, three outcomes. A unix socket has no network type. */
const connectSeries = 3 * 3;

describe("initial exposition of withPrometheus", () => {
  it("withPrometheus exposes every metric of the table, with type, unit suffix, help and labels", async () => {
    const { registry, dial } = observed(async (target, { trace } = {}) => {
      // Histograms that appear with their first observation.
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

  it("withPrometheus starts every counter and gauge at zero, for every label value", async () => {
    const { registry } = observed(tcp());
    const { samples, value, families } = await scrape(registry);
    for (const sample of samples) assert.equal(sample.value, 0, sample.name);
    for (const row of Object.values(instruments) as Instrument[]) {
      if (row.kind === "histogram" || !/^dialer\.(?!pool)/.test(row.name)) continue;
      // A timestamp: zero would be a date long past.
      if (row.name.endsWith(".timestamp")) continue;
      const combinations =
        row.name === "dialer.connect.done"
          ? connectSeries
          : Object.values(row.labels).reduce((product, values) => product * Math.max(1, values.length), 1);
      assert.equal(families.get(prometheusName(row))?.samples.length, combinations, row.name);
    }
    for (const reason of reasons) assert.equal(value("dialer_attempt_failed_total", { ...me, error_type: reason }), 0);
    for (const reason of closeReasons)
      assert.equal(value("dialer_connection_closed_total", { ...me, dialer_close_reason: reason }), 0);
    assert.equal(value("dialer_dial_duration_seconds_count", { ...me, error_type: "" }), 0);
    assert.equal(value("dialer_phase_duration_seconds_count", { ...me, dialer_phase: "handshake", error_type: "" }), 0);
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
    5 * latency + // phase.duration, of successes in each of five phases
    (10 + 3) + // connection.duration
    2 * 26 + // attempt.failed and retry.scheduled, by reason
    8 + // {dial,attempt}.active, dial.{failed,canceled}, attempt.{started,canceled}, connection.established, backoff.time
    connectSeries +
    4 + // retry.exhausted
    5 + // timeouts
    26 + // failovers
    2 * 3 + // breaker.status and breaker.transitions
    2 + // connection.count
    10 + // connection.closed
    2; // connection.io

  it("withPrometheus has a constant number of series for a healthy dialer", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(withTimeout({ timeoutMs: 5000 }), withRetry(), tcp());
    assert.equal((await scrape(registry)).samples.length, idle);
    for (let count = 0; count < 20; count += 1) (await dial(server.address)).destroy();
    assert.equal((await scrape(registry)).samples.length, idle);
    assert.equal(idle, 239);
  });

  it("withPrometheus adds one histogram for each new failure reason, and has fewer than 320 series with NATS and go-conntrack", async () => {
    const registry = new Registry();
    natsMetrics({ registry });
    const dial = compose(withPrometheus({ registry, goConntrack: true }), tcp());
    const before = (await scrape(registry)).samples.length;
    const target = `127.0.0.1:${await freePort()}`;
    for (let count = 0; count < 5; count += 1) await assert.rejects(dial(target));
    const after = (await scrape(registry)).samples.length;
    assert.equal(after - before, 2 * latency, "dial.duration and phase.duration{connect}, of refused");
    assert.equal(before, idle + 7 + 69, "go-conntrack's 3 + 4 reasons; a NATS client's, which its own test counts");
    assert.ok(before < 320, `${before}`);
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
