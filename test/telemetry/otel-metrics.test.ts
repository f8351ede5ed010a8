// Longer than other files: the played events are shared by all comparisons.
import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { afterEach, describe, it } from "node:test";
import { type MeterProvider, metrics } from "@opentelemetry/api";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { AggregationTemporality, createDenyListAttributesProcessor, DataPointType } from "@opentelemetry/sdk-metrics";
import { Registry } from "prom-client";
import { breakerStates, closeReasons, exhaustedCauses } from "../../src/core/event-values.ts";
import { reasons } from "../../src/core/reasons.ts";
import type { DialTrace } from "../../src/core/trace.ts";
import { compose, type Dialer, type Middleware, parseTarget, tcp } from "../../src/index.ts";
import { natsOtelMetrics, type OtelMetricsOptions, poolOtelMetrics, withOtelMetrics } from "../../src/otel.ts";
import { acquireOutcomes, evictionReasons, type PoolObserver } from "../../src/pool/pool-trace.ts";
import { natsMetrics, poolMetrics, withPrometheus } from "../../src/prometheus.ts";
import { clientErrorKinds, clientStates, disconnectReasons } from "../../src/telemetry/client-instruments.ts";
import type { Instrument } from "../../src/telemetry/instrument.ts";
import { instruments } from "../../src/telemetry/instruments.ts";
import { fakeClock, scriptedDialer } from "../../src/testing.ts";
import { connection } from "../support/contract.ts";
import { goodPeer } from "../support/peers.ts";
import { playedClient } from "./clients.ts";
import { assertSameSeries, meterSdk } from "./collection.ts";
import { parseExposition, type Sample, scrape } from "./exposition.ts";
import { everyLayer } from "./metered.ts";
import { noConn, playedPool } from "./pools.ts";

const server = "127.0.0.1:4222";
const target = parseTarget("db.internal:5432");

/** Pseudorandom numbers, the same in each run. */
function numbers(seed: number) {
  let state = seed;
  const next = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  return {
    upTo: (max: number) => next() * max,
    oneOf: <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)] as T,
  };
}

type Played = Duplex & { bytesRead: number; bytesWritten: number };

/** Plays `count` dials with every kind of event, including values outside the types, through the layers of `dial`. */
async function playDials(layers: readonly Middleware[], count: number, seed: number): Promise<void> {
  const { upTo, oneOf } = numbers(seed);
  const clock = fakeClock();
  const reason = () => oneOf([...reasons, "made_up" as never]);
  const ended = () => {
    const outcome = oneOf(["success", "success", "failure", "canceled"] as const);
    const durationMs = upTo(oneOf([1, 100, 60_000]));
    return { durationMs, outcome, ...(outcome === "failure" && { reason: reason() }) };
  };
  let controller = new AbortController();
  const base: Dialer<Played> = async (_target, options) => {
    const trace: DialTrace = options?.trace ?? {};
    const address = {
      address: "127.0.0.1",
      port: 1,
      family: oneOf(["ipv4", "ipv6", "unix", "made_up" as "unix"] as const),
    };
    await clock.advance(upTo(5000));
    trace.dnsDone?.({ host: "db", addresses: [], ...ended() });
    trace.connectDone?.({ address, ...ended() });
    trace.proxyDone?.({ type: "http", proxy: target, ...ended() });
    const peerCertificateExpiresAt = 1.9e12 + Math.floor(upTo(1e9));
    trace.tlsHandshakeDone?.({ serverName: oneOf(["a", "b"]), peerCertificateExpiresAt, ...ended() });
    trace.handshakeDone?.({ target, attempt: 1, ...ended() });
    trace.retryScheduled?.({ target, attempt: 2, delayMs: upTo(1000), error: undefined, reason: reason() });
    const cause = oneOf([...exhaustedCauses, "made_up" as never]);
    trace.retryExhausted?.({ target, attempts: 2, cause, error: undefined, reason: reason() });
    trace.timeout?.({ target, scope: oneOf(["dial", "attempt", "phase", "made_up" as never]), timeoutMs: 1 });
    const endpoint = parseTarget(oneOf(["a:1", "b:1", "c:1"]));
    trace.failover?.({ target, from: target, to: endpoint, error: undefined, reason: reason() });
    const [state, previous] = [oneOf([...breakerStates, "made_up" as never]), oneOf(breakerStates)];
    trace.breakerChange?.({ target: endpoint, state, previous });
    trace.limitWait?.({ target, limit: oneOf(["concurrency", "rate", "made_up" as never]), ...ended() });
    if (upTo(10) < 1) controller.abort();
    if (upTo(3) < 1) throw Object.assign(new Error("no"), { code: oneOf(["ECONNREFUSED", "ETIMEDOUT", "EODD"]) });
    const conn = Object.assign(connection(), { bytesRead: 0, bytesWritten: 0 });
    conns.push({ conn, trace });
    return conn;
  };
  const conns: { conn: Played; trace: DialTrace }[] = [];
  const dial = compose(clock.layer, ...layers, base);

  for (let index = 0; index < count; index += 1) {
    controller = new AbortController();
    await dial(target, { clock, signal: controller.signal }).catch(() => {});
    const { conn, trace } = oneOf(conns) ?? {};
    if (conn === undefined) continue;
    conn.bytesRead += Math.floor(upTo(100_000));
    conn.bytesWritten += Math.floor(upTo(1000));
    const what = upTo(6);
    if (what > 5) trace?.gotConn?.({ target, conn, reused: true });
    else if (what > 4) trace?.putIdleConn?.({ target, conn });
    else if (what < 1) conn.destroy();
    else if (what < 2) {
      const closed = oneOf([...closeReasons, "made_up" as never]);
      const durationMs = upTo(1e9);
      // Hooks do not check for a second close of a connection: both libraries must count it.
      trace?.connClosed?.({ target, conn, reason: closed, durationMs, bytesRead: 0, bytesWritten: 0 });
    }
  }
}

/** Plays the events of clients to `observers`. */
function playClients(observers: Parameters<typeof playedClient>[0], count: number, seed: number): void {
  const { upTo, oneOf } = numbers(seed);
  for (let index = 0; index < count; index += 1) {
    const { events, counts, stop } = playedClient(observers, { state: oneOf(clientStates) });
    const { credentials: _, ...statistics } = counts;
    for (const key of Object.keys(statistics) as (keyof typeof statistics)[]) counts[key] = Math.floor(upTo(1000));
    counts.credentials = (["jwt", "certificate"] as const).map((kind) => {
      return { kind, issuedAt: 1.5e12 + Math.floor(upTo(1e9)), expiresAt: 1.9e12 + Math.floor(upTo(1e9)) };
    });
    events.enter(oneOf(clientStates));
    events.emit("disconnect", { server, reason: oneOf([...disconnectReasons, "made_up" as never]) });
    for (let attempt = 1; attempt < upTo(4); attempt += 1) events.emit("reconnectAttempt", { server, attempt });
    events.emit("reconnect", { server, identity: {}, attempts: 1, outageMs: upTo(100_000) });
    events.emit("serversChange", { added: ["a", "b"], removed: ["c"] });
    for (const hook of ["lameDuck", "stale", "forcedReconnect"] as const) {
      if (upTo(2) < 1) events.emit(hook, { server });
    }
    events.emit("slowConsumer", { pending: 1 });
    events.emit("error", { kind: oneOf([...clientErrorKinds, "made_up" as never]), error: new Error("no") });
    events.emit("rtt", { durationMs: upTo(3000) });
    events.emit("publishRejected", { limitBytes: 1 });
    oneOf([() => {}, () => events.close(undefined), stop])();
  }
}

/** Plays the events of pools to `observers`. */
function playPools(observers: readonly PoolObserver[], count: number, seed: number): void {
  const { upTo, oneOf } = numbers(seed);
  for (let index = 0; index < count; index += 1) {
    const { now, emit } = playedPool(observers, { maxOpen: oneOf([5, Number.POSITIVE_INFINITY]) });
    Object.assign(now, { waiting: Math.floor(upTo(10)), targets: Math.floor(upTo(3)) });
    const outcome = oneOf([...acquireOutcomes, "made_up" as never]);
    emit("acquireDone", { target, outcome, waitMs: upTo(6000), conn: noConn });
    emit("releaseDone", { target, conn: noConn, useMs: upTo(6000) });
    emit("evicted", { target, conn: noConn, reason: oneOf([...evictionReasons, "made_up" as never]) });
    if (upTo(2) < 1) emit("end");
  }
}

describe("withOtelMetrics compared with withPrometheus", () => {
  function both(sdk = meterSdk()) {
    const registry = new Registry();
    const { meterProvider } = sdk;
    return {
      ...sdk,
      registry,
      layers: [
        withPrometheus({ registry, name: "orders", endpoints: ["a:1", "b:1"] }),
        withOtelMetrics({ meterProvider, name: "orders", endpoints: ["a:1", "b:1"] }),
      ],
      pools: [poolMetrics({ registry, name: "orders" }), poolOtelMetrics({ meterProvider, name: "orders" })],
      observers: [natsMetrics({ registry, name: "orders" }), natsOtelMetrics({ meterProvider, name: "orders" })],
    };
  }

  it("withOtelMetrics has the same names, labels and values as withPrometheus", async () => {
    const { registry, layers, observers, pools, collect } = both();
    for (const seed of [1, 2, 3]) {
      await playDials(layers, 150, seed);
      playClients(observers, 40, seed);
      playPools(pools, 40, seed);
      const [ours, theirs] = [await scrape(registry), await collect()];
      assertSameSeries(theirs.samples, ours.samples);
    }
    const { families } = await scrape(registry);
    const still = [...families].filter(([, { samples }]) => samples.every(({ value }) => value === 0));
    const underWay = ["dialer_dial_active", "dialer_attempt_active"];
    assert.deepEqual(
      still.map(([name]) => name),
      underWay,
      "every other instrument was used",
    );
  });

  it("withOtelMetrics starts every counter and gauge at zero, and no histogram", async () => {
    const { registry, layers, collect } = both();
    everyLayer(layers);
    const [ours, theirs] = [await scrape(registry), await collect()];
    assertSameSeries(theirs.samples, ours.samples);
    for (const { name, value } of theirs.samples) assert.equal(value, 0, name);
    const started = new Set(theirs.metrics.map(({ descriptor }) => descriptor.name));
    for (const { name, kind } of Object.values(instruments)) {
      assert.equal(started.has(name), kind !== "histogram" && !name.endsWith(".timestamp"), name);
    }
  });

  it("withOtelMetrics uses the table's names, units, descriptions, types and bucket boundaries", async () => {
    const { layers, observers, pools, collect } = both();
    await playDials(layers, 50, 4);
    playClients(observers, 20, 4);
    playPools(pools, 20, 4);
    const { metrics: found } = await collect();
    const rows: readonly Instrument[] = Object.values(instruments);
    assert.deepEqual(found.map((each) => each.descriptor.name).sort(), rows.map((row) => row.name).sort());
    for (const metric of found) {
      const { descriptor, dataPoints } = metric;
      const row = rows.find(({ name }) => name === descriptor.name);
      assert.equal(descriptor.unit, row?.unit, descriptor.name);
      assert.equal(descriptor.description, row?.help, descriptor.name);
      const isSum = metric.dataPointType === DataPointType.SUM;
      const kind = isSum
        ? metric.isMonotonic
          ? "counter"
          : "gauge"
        : DataPointType[metric.dataPointType].toLowerCase();
      assert.equal(kind, row?.kind, descriptor.name);
      assert.equal(isSum, kind !== "histogram" && !descriptor.name.endsWith(".timestamp"), descriptor.name);
      if (row?.kind !== "histogram") continue;
      const [point] = dataPoints as { value: { buckets: { boundaries: number[] } } }[];
      assert.deepEqual(point?.value.buckets.boundaries, row.buckets, row.name);
    }
  });

  it("withOtelMetrics has the same totals with delta temporality", async () => {
    const { registry, layers, observers, pools, collect } = both(
      meterSdk({ temporality: AggregationTemporality.DELTA }),
    );
    const sums = new Map<string, number>();
    for (const seed of [5, 6, 7]) {
      await playDials(layers, 60, seed);
      playClients(observers, 10, seed);
      playPools(pools, 10, seed);
      for (const { name, labels, value } of (await collect()).samples) {
        const key = JSON.stringify([name, labels]);
        const isMoment = name.endsWith("timestamp_seconds");
        sums.set(key, isMoment ? value : (sums.get(key) ?? 0) + value);
      }
    }
    const added = [...sums].map(([key, value]) => {
      const [name, labels] = JSON.parse(key);
      return { name, labels, value };
    });
    assertSameSeries(added, (await scrape(registry)).samples);
  });

  it("withOtelMetrics adds up when a view drops an attribute", async () => {
    const views = [{ instrumentName: "*", attributesProcessors: [createDenyListAttributesProcessor(["dialer.name"])] }];
    const { registry, meterProvider, collect } = { registry: new Registry(), ...meterSdk({ views }) };
    for (const name of ["a", "b"]) {
      const dial = compose(
        withPrometheus({ registry, name }),
        withOtelMetrics({ meterProvider, name }),
        scriptedDialer(),
      );
      for (let count = 0; count < 3; count += 1) await dial("h:1");
    }
    const { samples } = await collect();
    const open = samples.find(
      ({ name, labels }) => name === "dialer_connection_count" && labels.dialer_connection_state === "used",
    );
    assert.deepEqual([open?.labels, open?.value], [{ dialer_connection_state: "used" }, 6]);
    assert.equal(samples.find(({ name }) => name === "dialer_attempt_started_total")?.value, 6);
  });

  it("withOtelMetrics matches withPrometheus in OpenTelemetry's Prometheus exporter, except for unit annotations", async () => {
    const { registry, layers, observers, pools, reader } = both();
    await playDials(layers, 100, 8);
    playClients(observers, 20, 8);
    playPools(pools, 20, 8);
    const ours = (await scrape(registry)).samples;
    const { resourceMetrics } = await reader.collect();
    const text = new PrometheusSerializer(undefined, false, undefined, true, true).serialize(resourceMetrics);
    const theirs = parseExposition(text.replaceAll(/^# UNIT .*\n/gm, "")).samples;
    const withoutUnit = (name: string) => name.replace(/_(seconds|bytes)(?=$|_(total|bucket|sum|count)$)/, "");
    assertSameSeries(
      theirs,
      ours.map((each) => ({ ...each, name: withoutUnit(each.name) })),
    );
  });
});

describe("withOtelMetrics", () => {
  afterEach(() => metrics.disable());

  const seriesValue = (samples: readonly Sample[], name: string, labels: Record<string, string> = {}) => {
    const wanted = { dialer_name: "default", ...labels };
    const found = samples.filter(
      (each) =>
        each.name === name &&
        Object.entries({ ...each.labels, ...wanted }).every(([label, value]) => each.labels[label] === value) &&
        Object.keys(each.labels).length === Object.keys(wanted).length,
    );
    return found.length === 1 ? found[0]?.value : `${found.length} series`;
  };

  it("withOtelMetrics reads byte counters only when it is collected", async () => {
    await using peer = await goodPeer();
    const { meterProvider, collect } = meterSdk();
    const conn = await compose(withOtelMetrics({ meterProvider }), tcp())(peer.address);
    let reads = 0;
    Object.defineProperty(conn, "bytesRead", { get: () => 10 * ++reads });
    assert.equal(reads, 0);
    for (const expected of [10, 20]) {
      const { samples } = await collect();
      assert.equal(
        seriesValue(samples, "dialer_connection_io_bytes_total", { network_io_direction: "receive" }),
        expected,
      );
    }
    assert.equal(reads, 2);
    conn.destroy();
  });

  it("withOtelMetrics counts the open connections of all dialers with its name", async () => {
    await using peer = await goodPeer();
    const { meterProvider, collect } = meterSdk();
    const dialers = [1, 2].map(() => compose(withOtelMetrics({ meterProvider }), tcp()));
    const conns = await Promise.all([...dialers, ...dialers].map((dial) => dial(peer.address)));
    const open = async () =>
      seriesValue((await collect()).samples, "dialer_connection_count", { dialer_connection_state: "used" });
    assert.equal(await open(), 4);
    conns[0]?.destroy();
    assert.equal(await open(), 3);
    for (const conn of conns) conn.destroy();
    assert.equal(await open(), 0);
  });

  it("withOtelMetrics measures dials from the time that a provider is registered", async () => {
    await using peer = await goodPeer();
    const { meterProvider, collect } = meterSdk();
    const dial = compose(withOtelMetrics(), tcp());
    const before = await dial(peer.address);
    metrics.setGlobalMeterProvider(meterProvider);
    before.destroy();
    const conn = await dial(peer.address);
    const { samples } = await collect();
    assert.equal(seriesValue(samples, "dialer_connection_established_total"), 1);
    assert.equal(seriesValue(samples, "dialer_connection_count", { dialer_connection_state: "used" }), 1);
    assert.equal(seriesValue(samples, "dialer_connection_closed_total", { dialer_close_reason: "local" }), 0);
    conn.destroy();
  });

  it("withOtelMetrics starts its series immediately if a provider is registered", async () => {
    const { meterProvider, collect } = meterSdk();
    metrics.setGlobalMeterProvider(meterProvider);
    compose(withOtelMetrics(), scriptedDialer());
    natsOtelMetrics();
    const { samples } = await collect();
    assert.equal(seriesValue(samples, "dialer_attempt_started_total"), 0);
    assert.equal(seriesValue(samples, "nats_client_reconnect_succeeded_total"), 0);
  });

  it("withOtelMetrics attaches no hooks without a provider", async () => {
    const seen: unknown[] = [];
    const base = scriptedDialer();
    const dial = compose(withOtelMetrics(), (target, options) => {
      seen.push(options?.trace);
      return base(target, options);
    });
    await dial("h:1");
    assert.deepEqual(seen, [undefined]);
  });

  it("withOtelMetrics does not fail a dial when the registered provider throws", async () => {
    const broken = {
      getMeter() {
        throw new Error("no meter");
      },
    } as unknown as MeterProvider;
    metrics.setGlobalMeterProvider(broken);
    const conn = await compose(withOtelMetrics(), scriptedDialer())("h:1");
    assert.equal(conn.destroyed, false);
    playedClient(natsOtelMetrics()).events.close(undefined);
  });

  it("withOtelMetrics shows the earliest certificate expiry, and none before the first", async () => {
    const { meterProvider, collect } = meterSdk();
    const dial = (...ends: readonly (readonly [string, number])[]) =>
      compose(withOtelMetrics({ meterProvider }), (async (_target, { trace } = {}) => {
        for (const [serverName, peerCertificateExpiresAt] of ends) {
          trace?.tlsHandshakeDone?.({ serverName, peerCertificateExpiresAt, durationMs: 1, outcome: "success" });
        }
        return connection();
      }) as Dialer<Duplex>)("h:1");
    const shown = async () =>
      seriesValue((await collect()).samples, "dialer_tls_peer_certificate_expiry_timestamp_seconds");
    await dial();
    assert.equal(await shown(), "0 series");
    await dial(["a", 5000], ["b", 3000]);
    assert.equal(await shown(), 3);
    await dial(["b", 9000]);
    assert.equal(await shown(), 5, "events of another layer with the same name count too");
  });

  const refused: readonly (readonly [unknown, RegExp])[] = [
    [null, /withOtelMetrics: options must be an object, got null/],
    [{ meterProvider: {} }, /withOtelMetrics: meterProvider must have getMeter, got an object/],
    [{ name: "" }, /withOtelMetrics: name must be a string of 1 to 128 characters, got ""/],
    [{ registry: {} }, /withOtelMetrics: unknown option registry; the options are meterProvider, name/],
  ];
  for (const [options, message] of refused) {
    it(`withOtelMetrics refuses invalid options with ${message.source}`, () => {
      assert.throws(() => withOtelMetrics(options as OtelMetricsOptions), { name: "TypeError", message });
      const forClients = new RegExp(message.source.replace("withOtelMetrics", "natsOtelMetrics"));
      assert.throws(() => natsOtelMetrics(options as never), { name: "TypeError", message: forClients });
    });
  }
});
