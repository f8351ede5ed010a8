import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "prom-client";
import type { ClientState, ClientTrace, DisconnectReason } from "../../src/core/client-trace.ts";
import { type NatsMetricsOptions, natsMetrics } from "../../src/prometheus.ts";
import { clientStates, disconnectReasons } from "../../src/telemetry/instruments.ts";
import { scrape } from "./exposition.ts";

const me = { dialer_name: "default" };

/** Plays the changes of one client's state into its hooks. */
function client(trace: ClientTrace) {
  let previous: ClientState | undefined;
  return {
    enter(state: ClientState) {
      trace.stateChange?.({ state, previous });
      previous = state;
    },
  };
}

async function states(registry: Registry): Promise<string[]> {
  return (await scrape(registry)).nonZero("nats_client_connection_status").map((each) => each.replace("state=", ""));
}

describe("natsMetrics", () => {
  it("starts with all its series at zero, each with its type, help and labels", async () => {
    const registry = new Registry();
    natsMetrics({ registry, name: "orders" });
    const { families, samples } = await scrape(registry);
    assert.deepEqual(
      [...families].map(([name, { type }]) => `${name} ${type}`),
      [
        "nats_client_connection_status gauge",
        "nats_client_disconnects_total counter",
        "nats_client_reconnect_attempts_total counter",
        "nats_client_reconnects_total counter",
        "nats_client_outage_duration_seconds histogram",
      ],
    );
    for (const sample of samples) {
      assert.equal(sample.value, 0, sample.name);
      assert.equal(sample.labels.dialer_name, "orders", sample.name);
    }
    const values = (name: string, label: string) => families.get(name)?.samples.map((each) => each.labels[label]);
    assert.deepEqual(values("nats_client_connection_status", "state"), [...clientStates]);
    assert.deepEqual(values("nats_client_disconnects_total", "reason"), [...disconnectReasons]);
    assert.deepEqual(
      samples
        .filter((each) => each.name.endsWith("_bucket"))
        .map((each) => each.labels.le)
        .join(" "),
      "0.05 0.1 0.25 0.5 1 2.5 5 10 30 60 300 1800 +Inf",
    );
  });

  it("has exactly one state at 1 at any moment of a client's life", async () => {
    const registry = new Registry();
    const { enter } = client(natsMetrics({ registry }));
    for (const state of ["connecting", "connected", "reconnecting", "connected", "draining", "closed"] as const) {
      enter(state);
      assert.deepEqual(await states(registry), [`${state} → 1`]);
    }
  });

  it("counts the states of several clients together", async () => {
    const registry = new Registry();
    const trace = natsMetrics({ registry });
    const [a, b, c] = [client(trace), client(trace), client(trace)];
    for (const each of [a, b, c]) each.enter("connecting");
    for (const each of [a, b, c]) each.enter("connected");
    b.enter("reconnecting");
    c.enter("closed");
    assert.deepEqual(await states(registry), ["connected → 1", "reconnecting → 1", "closed → 1"]);
  });

  it("lets a new client take the place of a closed one", async () => {
    const registry = new Registry();
    const trace = natsMetrics({ registry });
    for (let round = 0; round < 3; round += 1) {
      const { enter } = client(trace);
      enter("connecting");
      assert.deepEqual(await states(registry), ["connecting → 1"]);
      enter("connected");
      enter("closed");
      assert.deepEqual(await states(registry), ["closed → 1"]);
    }
  });

  it("does so too where each client is given hooks of its own of the same name", async () => {
    const registry = new Registry();
    for (let round = 0; round < 3; round += 1) {
      const { enter } = client(natsMetrics({ registry }));
      enter("connecting");
      enter("connected");
      assert.deepEqual(await states(registry), ["connected → 1"]);
      enter("closed");
    }
    const other = client(natsMetrics({ registry, name: "other" }));
    other.enter("connecting");
    const { value } = await scrape(registry);
    assert.equal(value("nats_client_connection_status", { ...me, state: "closed" }), 1, "not the other name's place");
  });

  it("tells the truth after the registry was reset", async () => {
    const registry = new Registry();
    const { enter } = client(natsMetrics({ registry }));
    enter("connecting");
    enter("connected");
    registry.resetMetrics();
    assert.deepEqual(await states(registry), ["connected → 1"]);
    enter("closed");
    assert.deepEqual(await states(registry), ["closed → 1"]);
  });

  it("counts each disconnect under its reason", async () => {
    const registry = new Registry();
    const trace = natsMetrics({ registry });
    for (const [index, reason] of disconnectReasons.entries()) {
      for (let times = 0; times <= index; times += 1) trace.disconnect?.({ server: "127.0.0.1:4222", reason });
    }
    trace.disconnect?.({ server: "127.0.0.1:4222", reason: "made_up" as DisconnectReason });
    const { nonZero } = await scrape(registry);
    assert.deepEqual(
      nonZero("nats_client_disconnects_total"),
      disconnectReasons.map((reason, index) => `reason=${reason} → ${index + 1}`),
    );
  });

  it("counts reconnects, the dials made for them, and how long the outage was, in seconds", async () => {
    const registry = new Registry();
    const trace = natsMetrics({ registry });
    for (let dials = 0; dials < 3; dials += 1) trace.reconnectAttempt?.({ server: "127.0.0.1:4222", attempt: 1 });
    trace.reconnect?.({ server: "127.0.0.1:4222", identity: {}, attempts: 1, outageMs: 2000 });
    const { value } = await scrape(registry);
    assert.equal(value("nats_client_reconnect_attempts_total", me), 3);
    assert.equal(value("nats_client_reconnects_total", me), 1);
    assert.equal(value("nats_client_outage_duration_seconds_sum", me), 2);
    assert.equal(value("nats_client_outage_duration_seconds_bucket", { ...me, le: "1" }), 0);
    assert.equal(value("nats_client_outage_duration_seconds_bucket", { ...me, le: "2.5" }), 1);
  });

  it("shares its series with others of its name, without resetting them", async () => {
    const registry = new Registry();
    natsMetrics({ registry }).reconnect?.({ server: "a:1", identity: {}, attempts: 1, outageMs: 10 });
    natsMetrics({ registry }).reconnect?.({ server: "a:1", identity: {}, attempts: 1, outageMs: 10 });
    const { value } = await scrape(registry);
    assert.equal(value("nats_client_outage_duration_seconds_count", me), 2);
    assert.equal(value("nats_client_reconnects_total", me), 2);
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
    it(`refuses, with ${message.source}`, () => {
      assert.throws(() => natsMetrics(options as NatsMetricsOptions), { name: "TypeError", message });
    });
  }
});
