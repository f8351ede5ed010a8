// Longer than other files: each test is one property of the same metrics, over shared helpers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Registry } from "prom-client";
import type { ClientErrorKind, ClientState, DisconnectReason } from "../../src/client/client-trace.ts";
import { type NatsMetricsOptions, natsMetrics } from "../../src/prometheus.ts";
import { clientErrorKinds, clientStates, disconnectReasons } from "../../src/telemetry/client-instruments.ts";
import type { Instrument } from "../../src/telemetry/instrument.ts";
import { instruments } from "../../src/telemetry/instruments.ts";
import { prometheusName } from "../../src/telemetry/prometheus-name.ts";
import { playedClient } from "./clients.ts";
import { scrape } from "./exposition.ts";

const me = { dialer_name: "default" };
const server = "127.0.0.1:4222";
const rows: readonly Instrument[] = Object.values(instruments).filter(({ name }) => name.startsWith("nats."));

async function states(registry: Registry): Promise<string[]> {
  return (await scrape(registry))
    .nonZero("nats_client_connection_status")
    .map((each) => each.replace("nats_client_state=", ""));
}

/** Nonzero series of all metrics except the status and the outage duration. */
async function counted(registry: Registry): Promise<string[]> {
  const { nonZero } = await scrape(registry);
  return rows
    .map(prometheusName)
    .filter((name) => !/status|seconds$/.test(name))
    .flatMap((name) => nonZero(name).map((each) => `${name.replace("nats_client_", "")} ${each}`));
}

describe("natsMetrics", () => {
  it("natsMetrics starts all series at zero, with type, help and labels, before the first client", async () => {
    const registry = new Registry();
    natsMetrics({ registry, name: "orders" });
    const { families, samples } = await scrape(registry);
    assert.deepEqual([...families.keys()].sort(), rows.map(prometheusName).sort());
    for (const row of rows) {
      const family = families.get(prometheusName(row));
      assert.equal(family?.type, row.kind, row.name);
      assert.equal(family?.help, row.help, row.name);
      assert.ok(row.help.endsWith("."), row.name);
      if (row.kind === "histogram") continue;
      if (row.name.endsWith(".timestamp")) {
        assert.deepEqual(family?.samples, [], "a date that is not known has no value");
        continue;
      }
      const labels = Object.entries(row.labels).flatMap(([label, values]) => values.map((value) => [label, value]));
      assert.deepEqual(
        family?.samples.map(({ labels: { dialer_name: _, ...others } }) => Object.entries(others)),
        labels.length === 0 ? [[]] : labels.map(([label = "", value]) => [[label.replaceAll(".", "_"), value]]),
        row.name,
      );
    }
    for (const sample of samples) {
      assert.equal(sample.value, 0, sample.name);
      assert.equal(sample.labels.dialer_name, "orders", sample.name);
    }
  });

  it("natsMetrics has the names and buckets that the dashboards use", async () => {
    const registry = new Registry();
    natsMetrics({ registry });
    const { families, samples } = await scrape(registry);
    assert.deepEqual([...families].map(([name, { type }]) => `${name} ${type}`).sort(), [
      "nats_client_buffer_size_bytes gauge",
      "nats_client_connection_status gauge",
      "nats_client_credentials_expiry_timestamp_seconds gauge",
      "nats_client_credentials_issue_timestamp_seconds gauge",
      "nats_client_disconnects_total counter",
      "nats_client_errors_total counter",
      "nats_client_io_bytes_total counter",
      "nats_client_lame_duck_total counter",
      "nats_client_messages_total counter",
      "nats_client_outage_duration_seconds histogram",
      "nats_client_publish_dropped_total counter",
      "nats_client_publish_rejected_total counter",
      "nats_client_publish_unconfirmed_total counter",
      "nats_client_reconnect_attempts_total counter",
      "nats_client_reconnect_forced_total counter",
      "nats_client_reconnect_succeeded_total counter",
      "nats_client_rtt_seconds histogram",
      "nats_client_server_changes_total counter",
      "nats_client_server_count gauge",
      "nats_client_slow_consumers_total counter",
      "nats_client_stale_connections_total counter",
    ]);
    const buckets = (name: string) =>
      samples
        .filter((each) => each.name === `${name}_bucket`)
        .map((each) => each.labels.le)
        .join(" ");
    assert.equal(buckets("nats_client_outage_duration_seconds"), "0.05 0.1 0.25 0.5 1 2.5 5 10 30 60 300 1800 +Inf");
    assert.equal(
      buckets("nats_client_rtt_seconds"),
      "0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 +Inf",
    );
  });

  it("natsMetrics has the number of series that the README states", async () => {
    const registry = new Registry();
    const observer = natsMetrics({ registry });
    const expected =
      clientStates.length +
      disconnectReasons.length +
      clientErrorKinds.length +
      2 * (12 + 3) + // the histograms: outages and round trips
      10 + // reconnects, attempts, lame duck, stale, slow, forced, rejected, dropped, unconfirmed, buffer
      4 * 2; // servers, their changes, messages, bytes
    assert.equal((await scrape(registry)).samples.length, expected);
    for (let count = 0; count < 3; count += 1) {
      const { events } = playedClient(observer);
      for (const reason of disconnectReasons) events.emit("disconnect", { server, reason });
      for (const kind of clientErrorKinds) events.emit("error", { kind, error: new Error("no") });
      events.emit("rtt", { durationMs: 1 });
      events.close(undefined);
    }
    assert.equal((await scrape(registry)).samples.length, expected);
    assert.match(readFileSync("src/telemetry/README.md", "utf8"), new RegExp(`a NATS client ${expected} more`));
  });

  it("natsMetrics counts dropped and unconfirmed messages, including those at a client's end", async () => {
    const registry = new Registry();
    const { counts, events } = playedClient(natsMetrics({ registry }), { state: "connected" });
    counts.unconfirmed = 7;
    assert.deepEqual(await counted(registry), ["publish_unconfirmed_total  → 7"]);
    counts.unconfirmed = 9;
    counts.dropped = 3;
    events.close(undefined);
    assert.deepEqual(await counted(registry), ["publish_dropped_total  → 3", "publish_unconfirmed_total  → 9"]);
  });

  it("natsMetrics shows the earliest expiry of the clients' credentials by kind, until their client ends", async () => {
    const registry = new Registry();
    const observers = [natsMetrics({ registry }), natsMetrics({ registry })];
    const first = playedClient(observers[0] ?? [], { state: "connected" });
    const second = playedClient(observers[1] ?? [], { state: "connected" });
    const dates = async () => {
      const { samples } = await scrape(registry);
      return samples
        .filter(({ name }) => name.endsWith("timestamp_seconds"))
        .map(({ name, labels, value }) => `${name.split("_")[3]} ${labels.nats_client_credentials_kind} ${value}`);
    };
    assert.deepEqual(await dates(), []);
    first.counts.credentials = [
      { kind: "jwt", issuedAt: 1_000, expiresAt: 90_000 },
      { kind: "jwt", issuedAt: 2_000, expiresAt: 80_000 },
    ];
    second.counts.credentials = [
      { kind: "jwt", issuedAt: 3_000, expiresAt: 70_000 },
      { kind: "certificate", issuedAt: 4_000, expiresAt: 60_000 },
    ];
    assert.deepEqual(await dates(), ["expiry jwt 70", "expiry certificate 60", "issue jwt 2", "issue certificate 4"]);
    second.counts.credentials = [{ kind: "jwt", issuedAt: 85_000, expiresAt: 170_000 }];
    assert.deepEqual(await dates(), ["expiry jwt 80", "issue jwt 2"]);
    first.events.close(undefined);
    assert.deepEqual(await dates(), ["expiry jwt 170", "issue jwt 85"]);
    second.stop();
    assert.deepEqual(await dates(), []);
  });

  describe("connection status", () => {
    it("natsMetrics counts a client in exactly one state at any time", async () => {
      const registry = new Registry();
      const { events } = playedClient(natsMetrics({ registry }));
      assert.deepEqual(await states(registry), ["connecting → 1"]);
      for (const state of ["connected", "reconnecting", "connected", "draining", "closed"] as const) {
        if (state === "closed") events.close(undefined);
        else events.enter(state);
        assert.deepEqual(await states(registry), [`${state} → 1`]);
      }
    });

    it("natsMetrics adds up the states of clients with the same name", async () => {
      const registry = new Registry();
      const observer = natsMetrics({ registry });
      const [, b, c] = [1, 2, 3].map(() => playedClient(observer, { state: "connected" }).events);
      b?.enter("reconnecting");
      c?.close(undefined);
      assert.deepEqual(await states(registry), ["connected → 1", "reconnecting → 1", "closed → 1"]);
    });

    it("natsMetrics keeps an open client's state when another client closes", async () => {
      const registry = new Registry();
      const observer = natsMetrics({ registry });
      const [a, b] = [playedClient(observer).events, playedClient(observer).events];
      a.close(undefined);
      b.enter("connected");
      b.enter("reconnecting");
      assert.deepEqual(await states(registry), ["reconnecting → 1", "closed → 1"]);
    });

    it("natsMetrics counts a closed client until a new client replaces it", async () => {
      const registry = new Registry();
      const observer = natsMetrics({ registry });
      for (let round = 0; round < 3; round += 1) {
        const { events } = playedClient(observer);
        assert.deepEqual(await states(registry), ["connecting → 1"]);
        events.enter("connected");
        events.close(undefined);
        assert.deepEqual(await states(registry), ["closed → 1"]);
      }
    });

    it("natsMetrics replaces a closed client across observers with the same name", async () => {
      const registry = new Registry();
      for (let round = 0; round < 3; round += 1) {
        const { events } = playedClient(natsMetrics({ registry }));
        events.enter("connected");
        assert.deepEqual(await states(registry), ["connected → 1"]);
        events.close(undefined);
      }
      playedClient(natsMetrics({ registry, name: "other" }));
      const { value } = await scrape(registry);
      assert.equal(
        value("nats_client_connection_status", { ...me, nats_client_state: "closed" }),
        1,
        "the client of the other name is not replaced",
      );
    });

    it("natsMetrics removes the state of a client that is no longer observed, and restores it when observation resumes", async () => {
      const registry = new Registry();
      const observer = natsMetrics({ registry });
      const { events, stop } = playedClient(observer, { state: "connected" });
      stop();
      assert.deepEqual(await states(registry), []);
      events.enter("reconnecting");
      assert.deepEqual(await states(registry), []);
      events.observe(observer);
      assert.deepEqual(await states(registry), ["reconnecting → 1"]);
      events.close(undefined);
      assert.deepEqual(await states(registry), ["closed → 1"]);
    });

    it("natsMetrics keeps client states when the registry is reset", async () => {
      const registry = new Registry();
      const { events, counts } = playedClient(natsMetrics({ registry }), { state: "connected" });
      counts.configuredServers = 3;
      counts.bufferedBytes = 7;
      await scrape(registry);
      registry.resetMetrics();
      assert.deepEqual(await states(registry), ["connected → 1"]);
      assert.deepEqual(await counted(registry), [
        "server_count nats_client_server_source=configured → 3",
        "buffer_size_bytes  → 7",
      ]);
      events.close(undefined);
      assert.deepEqual(await states(registry), ["closed → 1"]);
    });
  });

  describe("counters", () => {
    it("natsMetrics counts disconnects by reason, and unknown reasons as error", async () => {
      const registry = new Registry();
      const { events } = playedClient(natsMetrics({ registry }));
      for (const [index, reason] of disconnectReasons.entries()) {
        for (let times = 0; times <= index; times += 1) events.emit("disconnect", { server, reason });
      }
      for (const reason of ["made_up", "constructor", undefined] as never[]) {
        events.emit("disconnect", { server, reason: reason as DisconnectReason });
      }
      const { nonZero } = await scrape(registry);
      assert.deepEqual(
        nonZero("nats_client_disconnects_total"),
        disconnectReasons.map(
          (reason, index) => `nats_client_disconnect_reason=${reason} → ${index + 1 + (reason === "error" ? 3 : 0)}`,
        ),
      );
    });

    it("natsMetrics counts reconnects and their attempts, and records outages in seconds", async () => {
      const registry = new Registry();
      const { events } = playedClient(natsMetrics({ registry }));
      for (let attempt = 1; attempt <= 3; attempt += 1) events.emit("reconnectAttempt", { server, attempt });
      events.emit("reconnect", { server, identity: {}, attempts: 3, outageMs: 2000 });
      const { value } = await scrape(registry);
      assert.deepEqual(await counted(registry), ["reconnect_succeeded_total  → 1", "reconnect_attempts_total  → 3"]);
      assert.equal(value("nats_client_outage_duration_seconds_sum", me), 2);
      assert.equal(value("nats_client_outage_duration_seconds_bucket", { ...me, le: "1" }), 0);
      assert.equal(value("nats_client_outage_duration_seconds_bucket", { ...me, le: "2.5" }), 1);
    });

    it("natsMetrics counts server changes and connection events", async () => {
      const registry = new Registry();
      const { events } = playedClient(natsMetrics({ registry }));
      events.emit("serversChange", { added: ["b:4222", "c:4222"], removed: ["a:4222"] });
      events.emit("serversChange", { added: ["d:4222"], removed: [] });
      for (let times = 0; times < 2; times += 1) events.emit("lameDuck", { server });
      for (let times = 0; times < 3; times += 1) events.emit("stale", { server });
      for (let times = 0; times < 4; times += 1) events.emit("slowConsumer", { pending: 10 });
      for (let times = 0; times < 5; times += 1) events.emit("forcedReconnect", { server });
      for (let times = 0; times < 6; times += 1) events.emit("publishRejected", { limitBytes: 1 });
      assert.deepEqual(await counted(registry), [
        "server_changes_total nats_client_server_change=added → 3",
        "server_changes_total nats_client_server_change=removed → 1",
        "lame_duck_total  → 2",
        "stale_connections_total  → 3",
        "slow_consumers_total  → 4",
        "reconnect_forced_total  → 5",
        "publish_rejected_total  → 6",
      ]);
    });

    it("natsMetrics counts errors by kind, and unknown kinds as other", async () => {
      const registry = new Registry();
      const { events } = playedClient(natsMetrics({ registry }));
      const error = new Error("no");
      for (const kind of clientErrorKinds) events.emit("error", { kind, error });
      for (const kind of ["made_up", "__proto__"] as never[]) {
        events.emit("error", { kind: kind as ClientErrorKind, error });
      }
      assert.deepEqual(
        await counted(registry),
        clientErrorKinds.map((kind) => `errors_total nats_client_error_kind=${kind} → ${kind === "other" ? 3 : 1}`),
      );
    });

    it("natsMetrics records round-trip times in seconds", async () => {
      const registry = new Registry();
      const { events } = playedClient(natsMetrics({ registry }));
      for (const durationMs of [0.4, 0.6, 3000]) events.emit("rtt", { durationMs });
      const { value } = await scrape(registry);
      assert.equal(value("nats_client_rtt_seconds_bucket", { ...me, le: "0.0005" }), 1);
      assert.equal(value("nats_client_rtt_seconds_bucket", { ...me, le: "0.001" }), 2);
      assert.equal(value("nats_client_rtt_seconds_bucket", { ...me, le: "2.5" }), 2);
      assert.equal(value("nats_client_rtt_seconds_count", me), 3);
    });
  });

  describe("statistics of clients", () => {
    it("natsMetrics reads a client's statistics at each scrape and counts nothing twice", async () => {
      const registry = new Registry();
      const { counts } = playedClient(natsMetrics({ registry }));
      Object.assign(counts, { inMsgs: 1, outMsgs: 2, inBytes: 30, outBytes: 40 });
      Object.assign(counts, { configuredServers: 3, discoveredServers: 5, bufferedBytes: 600 });
      const expected = [
        "server_count nats_client_server_source=configured → 3",
        "server_count nats_client_server_source=discovered → 5",
        "messages_total network_io_direction=receive → 1",
        "messages_total network_io_direction=transmit → 2",
        "io_bytes_total network_io_direction=receive → 30",
        "io_bytes_total network_io_direction=transmit → 40",
        "buffer_size_bytes  → 600",
      ];
      assert.deepEqual(await counted(registry), expected);
      assert.deepEqual(await counted(registry), expected);
      Object.assign(counts, { inMsgs: 11, discoveredServers: 4, bufferedBytes: 0 });
      assert.deepEqual(await counted(registry), [
        "server_count nats_client_server_source=configured → 3",
        "server_count nats_client_server_source=discovered → 4",
        "messages_total network_io_direction=receive → 11",
        ...expected.slice(3, 6),
      ]);
    });

    it("natsMetrics reads a client's statistics when a single metric is scraped", async () => {
      for (const row of rows) {
        const registry = new Registry();
        const { client } = playedClient(natsMetrics({ registry }));
        let asked = 0;
        client.onRefresh = () => {
          asked += 1;
        };
        await registry.getSingleMetricAsString(prometheusName(row));
        assert.equal(asked, 1, row.name);
      }
    });

    it("natsMetrics adds up the statistics of clients with the same name only", async () => {
      const registry = new Registry();
      const observer = natsMetrics({ registry });
      const clients = [playedClient(observer), playedClient(observer), playedClient(natsMetrics({ registry }))];
      for (const { counts } of clients) Object.assign(counts, { inMsgs: 10, configuredServers: 2, bufferedBytes: 5 });
      const other = playedClient(natsMetrics({ registry, name: "other" }));
      other.counts.inMsgs = 1;
      const { value } = await scrape(registry);
      assert.equal(value("nats_client_messages_total", { ...me, network_io_direction: "receive" }), 30);
      assert.equal(value("nats_client_server_count", { ...me, nats_client_server_source: "configured" }), 6);
      assert.equal(value("nats_client_buffer_size_bytes", me), 15);
      assert.equal(value("nats_client_messages_total", { dialer_name: "other", network_io_direction: "receive" }), 1);
    });

    for (const how of ["closed", "no longer observed"]) {
      it(`natsMetrics reads a client's statistics a last time when it is ${how}, and removes its levels`, async () => {
        const registry = new Registry();
        const { client, counts, events, stop } = playedClient(natsMetrics({ registry }), { state: "connected" });
        Object.assign(counts, { inMsgs: 1, configuredServers: 3, bufferedBytes: 9 });
        await scrape(registry);
        Object.assign(counts, { inMsgs: 5, outBytes: 70, bufferedBytes: 8 });
        if (how === "closed") events.close(undefined);
        else stop();
        Object.assign(counts, { inMsgs: 6 });
        client.onRefresh = () => assert.fail("the observation has ended");
        const expected = [
          "messages_total network_io_direction=receive → 5",
          "io_bytes_total network_io_direction=transmit → 70",
        ];
        assert.deepEqual(await counted(registry), expected);
      });
    }

    it("natsMetrics counts a client's statistics from the start of the observation", async () => {
      const registry = new Registry();
      const observer = natsMetrics({ registry });
      const { client, events, counts } = playedClient([], { state: "connected" });
      Object.assign(counts, { inMsgs: 1000, configuredServers: 1 });
      const stop = events.observe(observer);
      const expected = ["server_count nats_client_server_source=configured → 1"];
      assert.deepEqual(await counted(registry), expected);
      counts.inMsgs += 1;
      stop();
      events.observe(observer);
      assert.deepEqual(await counted(registry), [...expected, "messages_total network_io_direction=receive → 1"]);
      assert.equal(client.counts, counts);
    });

    it("natsMetrics restarts its counters when the registry is reset, with or without a scrape before", async () => {
      const registry = new Registry();
      const { counts, events } = playedClient(natsMetrics({ registry }));
      counts.inMsgs = 5;
      await scrape(registry);
      Object.assign(counts, { inMsgs: 8, outMsgs: 2, inBytes: 100, outBytes: 100 });
      events.emit("stale", { server });
      registry.resetMetrics();
      assert.deepEqual(await counted(registry), []);
      counts.inMsgs = 9;
      assert.deepEqual(await counted(registry), ["messages_total network_io_direction=receive → 1"]);
    });

    it("natsMetrics never decreases a counter when a client's statistics restart", async () => {
      const registry = new Registry();
      const { counts } = playedClient(natsMetrics({ registry }));
      for (const inMsgs of [10, 3, 4]) {
        counts.inMsgs = inMsgs;
        await scrape(registry);
      }
      assert.deepEqual(await counted(registry), ["messages_total network_io_direction=receive → 11"]);
    });

    it("natsMetrics survives a client whose statistics throw, without losing those of other clients", async () => {
      const registry = new Registry();
      const observer = natsMetrics({ registry });
      const good = playedClient(observer);
      const partial = playedClient(observer);
      const throwing = playedClient(observer);
      Object.assign(good.counts, { inMsgs: 4, configuredServers: 2 });
      Object.assign(partial.counts, { inMsgs: Number.NaN, configuredServers: undefined });
      throwing.client.onRefresh = () => {
        throw new Error("no refresh");
      };
      throwing.client.stats = () => {
        throw new Error("no stats");
      };
      const expected = [
        "server_count nats_client_server_source=configured → 2",
        "messages_total network_io_direction=receive → 4",
      ];
      assert.deepEqual(await counted(registry), expected);
      throwing.events.close(undefined);
      partial.events.close(undefined);
      assert.deepEqual(await counted(registry), expected);
    });
  });

  it("natsMetrics calls refresh() before each scrape and shows its result", async () => {
    const registry = new Registry();
    const { client, counts, events } = playedClient(natsMetrics({ registry }), { state: "connected" });
    counts.configuredServers = 1;
    client.onRefresh = () => {
      client.onRefresh = () => {};
      events.emit("disconnect", { server, reason: "remote" });
      events.enter("reconnecting");
    };
    assert.deepEqual(await states(registry), ["reconnecting → 1"]);
    client.onRefresh = () => {
      counts.inMsgs = 3;
      events.close(undefined);
    };
    assert.deepEqual(await states(registry), ["closed → 1"]);
    assert.deepEqual(await counted(registry), [
      "disconnects_total nats_client_disconnect_reason=remote → 1",
      "messages_total network_io_direction=receive → 3",
    ]);
  });

  it("natsMetrics ignores an unknown state", async () => {
    const registry = new Registry();
    const { events } = playedClient(natsMetrics({ registry }));
    events.enter("made_up" as ClientState);
    events.enter("constructor" as ClientState);
    assert.deepEqual(await states(registry), ["connecting → 1"]);
  });

  const registry = new Registry();
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /natsMetrics: options must be an object, got undefined/],
    [{}, /natsMetrics: registry must be a Registry of prom-client, got undefined/],
    [{ registry: "r" }, /natsMetrics: registry must be a Registry of prom-client, got "r"/],
    [{ registry, name: "" }, /natsMetrics: name must be a string of 1 to 128 characters, got ""/],
    [{ registry, title: "x" }, /natsMetrics: unknown option title; the options are registry, name/],
  ];
  for (const [options, message] of refused) {
    it(`natsMetrics refuses invalid options with ${message.source}`, () => {
      assert.throws(() => natsMetrics(options as NatsMetricsOptions), { name: "TypeError", message });
    });
  }
});
