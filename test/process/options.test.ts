import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, Socket } from "node:net";
import { describe, it } from "node:test";
import { context, createContextKey, ROOT_CONTEXT } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { Registry } from "prom-client";
import { withRetry, withTrace } from "../../src/index.ts";
import { inspector } from "../../src/inspector.ts";
import { type ObserveProcessOptions, observeProcess } from "../../src/process.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { goodPeer, type Peer } from "../support/peers.ts";
import { scrape } from "../telemetry/exposition.ts";
import { recorder } from "./recorded.ts";

/** Connects `n` times to a server while the process is observed. */
async function connecting(server: Peer, options: ObserveProcessOptions, n = 1): Promise<void> {
  const { stop } = observeProcess(options);
  try {
    for (let each = 0; each < n; each += 1) {
      const socket = connect(server.port, "127.0.0.1");
      await once(socket, "connect");
      socket.destroy();
    }
  } finally {
    stop();
  }
}

describe("the options of observeProcess", () => {
  it("name gives metrics and the page the names of connections; observers without it keep their own", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const page = inspector();
    const observers = [withPrometheus({ registry, name: "own" }), page.observe({ name: "own" })];
    await connecting(server, { observers, name: ({ host }) => `at-${host}` });
    await connecting(server, { observers });
    const metrics = await scrape(registry);
    const established = (name: string) => metrics.value("dialer_connection_established_total", { dialer_name: name });
    assert.deepEqual([established("at-127.0.0.1"), established("own")], [1, 1]);
    assert.deepEqual(
      page
        .snapshot()
        .dialers.map(({ name }) => name)
        .sort(),
      ["at-127.0.0.1", "own"],
    );
  });

  it("knownNames are in metrics and on the page at zero, before a connection; the observers' own names are not", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const page = inspector();
    const observers = [withPrometheus({ registry }), page.observe()];
    const seen = async () => {
      const { samples } = await scrape(registry);
      const established = samples.filter((each) => each.name === "dialer_connection_established_total");
      return {
        metrics: Object.fromEntries(established.map(({ labels, value }) => [labels.dialer_name, value])),
        page: Object.fromEntries(page.snapshot().dialers.map(({ name, attempts }) => [name, attempts.established])),
      };
    };
    const names = { db: 0, cache: 0 };
    const options = { observers, name: () => "cache", knownNames: Object.keys(names) };
    observeProcess(options).stop();
    assert.deepEqual(await seen(), { metrics: names, page: names });
    await connecting(server, options, 2);
    assert.deepEqual(await seen(), { metrics: { ...names, cache: 2 }, page: { ...names, cache: 2 } });
    await connecting(server, { ...options, name: () => "default" });
    const after = { ...names, cache: 2, default: 1 };
    assert.deepEqual(await seen(), { metrics: after, page: after });
  });

  it("knownNames without name, and values that are no strings, are refused", () => {
    const observers = [{}];
    assert.throws(() => observeProcess({ observers, knownNames: ["db"] }), {
      message: "observeProcess: knownNames needs the option name, which is undefined",
      code: "ERR_INVALID_OPTION",
    });
    assert.throws(() => observeProcess({ observers, name: () => "db", knownNames: [5 as never] }), {
      message: "observeProcess: knownNames[0] must be a string, got 5",
    });
  });

  it("names beyond the first 64, and values that are not names, are counted as _OTHER", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const given: unknown[] = [...Array.from({ length: 70 }, (_, index) => `name-${index}`), "", 5, "x".repeat(129)];
    let next = 0;
    const name = () => given[next++] as string;
    await connecting(server, { observers: [withPrometheus({ registry })], name }, given.length);
    const metrics = await scrape(registry);
    const names = metrics.samples.filter((each) => each.name === "dialer_connection_established_total");
    assert.equal(names.length, 65);
    assert.equal(metrics.value("dialer_connection_established_total", { dialer_name: "_OTHER" }), 9);
  });

  it("ignore leaves out a connection", async () => {
    await using server = await goodPeer();
    const { hooks, names } = recorder();
    await connecting(server, { observers: [hooks], ignore: ({ port }) => port === server.port });
    assert.deepEqual(names(), []);
  });

  it("connections made with tracing suppressed, as exporters make them, are left out", async () => {
    await using server = await goodPeer();
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    try {
      const { hooks, names } = recorder();
      const key = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");
      await context.with(ROOT_CONTEXT.setValue(key, true), () => connecting(server, { observers: [hooks] }));
      assert.deepEqual(names(), []);
    } finally {
      context.disable();
    }
  });

  it("the endpoint of an OTLP exporter in the environment is left out", async () => {
    await using server = await goodPeer();
    const { hooks, names } = recorder();
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${server.port}/v1`;
    try {
      await connecting(server, { observers: [hooks] });
    } finally {
      delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
    }
    assert.deepEqual(names(), []);
  });

  it("attributes give the values that an observer declares, and an undeclared one is a TypeError", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const observers = [withPrometheus({ registry, attributes: { tenant: ["a", "b"] } })];
    await connecting(server, { observers, attributes: { tenant: "a" } });
    await connecting(server, { observers, attributes: () => ({ tenant: "b" }) }, 2);
    const metrics = await scrape(registry);
    const established = (tenant: string) =>
      metrics.value("dialer_connection_established_total", { dialer_name: "default", tenant });
    assert.deepEqual([established("a"), established("b")], [1, 2]);
    assert.throws(() => observeProcess({ observers, attributes: { tennant: "a" } }), { name: "TypeError" });
  });

  for (const [what, observers, message] of [
    ["no observers", [], /observers must be an array of at least one observer, such as withPrometheus\(\), got none/],
    ["a layer that does not only observe", [withRetry()], /observers\[0\] must be a layer that only observes/],
    ["a factory", [withTrace({}), withPrometheus], /observers\[1\] must be .*; call withPrometheus\(\)/],
    ["a misspelled hook", [{ connectDon() {} }], /observers\[0\]: unknown hook/],
  ] as const) {
    it(`${what} in observers is refused before anything is wrapped`, () => {
      const { connect: original } = Socket.prototype;
      assert.throws(() => observeProcess({ observers: observers as never }), { name: "TypeError", message });
      assert.equal(Socket.prototype.connect, original);
    });
  }
});
