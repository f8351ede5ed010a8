import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { TraceFlags, trace } from "@opentelemetry/api";
import { type OpenMetricsContentType, openMetricsContentType, Registry } from "prom-client";
import { compose, type Dialer, type Middleware, tcp } from "../../src/index.ts";
import { spanExemplar, withTracing } from "../../src/otel.ts";
import { type PrometheusOptions, withPrometheus } from "../../src/prometheus.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { freePort, goodPeer } from "../support/peers.ts";
import { scrape } from "./exposition.ts";
import { sdk2, useContextManager } from "./sdk-lines.ts";
import { spanRecorder } from "./span-tree.ts";

useContextManager(sdk2);
const openMetrics = () => {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(openMetricsContentType);
  return registry;
};

/** One line with an exemplar of an OpenMetrics scrape. */
interface Exemplified {
  readonly metric: string;
  readonly labels: string;
  readonly exemplar: string;
  readonly value: number;
  readonly at: number;
}

/** Scrapes over HTTP, like Prometheus, and returns the lines with exemplars. */
async function exemplarsOf(registry: Registry<OpenMetricsContentType>): Promise<Exemplified[]> {
  const server = createServer(async (_request, response) => {
    response.setHeader("content-type", registry.contentType);
    response.end(await registry.metrics());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
  const text = await response.text();
  server.close();
  server.closeAllConnections();
  assert.match(response.headers.get("content-type") ?? "", /^application\/openmetrics-text; version=1\.0\.0/);
  assert.ok(text.endsWith("\n# EOF\n"));
  return text
    .split("\n")
    .filter((line) => line.includes(" # "))
    .filter((line) => !line.startsWith("#"))
    .map((line) => {
      // https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md#exemplars
      const parts = /^(\w+_bucket)\{(.*)\} \d+ # \{(.*)\} (\S+) (\d+(?:\.\d+)?)$/.exec(line);
      assert.ok(parts, line);
      const [, metric = "", labels = "", exemplar = "", value, at] = parts;
      return { metric, labels, exemplar, value: Number(value), at: Number(at) };
    });
}

function both(options: Partial<PrometheusOptions> = {}, sampled = true) {
  const recorder = spanRecorder();
  const registry = openMetrics();
  const layers: [Middleware, Middleware] = [
    withTracing({ tracerProvider: sdk2.provider(recorder, { sampled }) }),
    withPrometheus({ registry, exemplars: spanExemplar, ...options }),
  ];
  return { recorder, registry, layers, dial: compose(...layers, tcp()) };
}

describe("exemplars", () => {
  it("exemplars of dial and phase durations carry the dial's span, the time and the value", async () => {
    await using server = await goodPeer();
    const { recorder, registry, dial } = both();
    const conn = await dial(`localhost:${server.port}`, { handshake: async (ready) => ready });
    await assert.rejects(dial(`127.0.0.1:${await freePort()}`));
    conn.destroy();
    const found = await exemplarsOf(registry);
    const [good, failed] = recorder.started
      .filter(({ name }) => name === "dial")
      .map((span) => `trace_id="${span.spanContext().traceId}",span_id="${span.spanContext().spanId}"`);
    const of = (exemplar: string | undefined) =>
      found
        .filter((each) => each.exemplar === exemplar)
        .map(({ metric, labels }) => `${metric} ${/dialer_phase="(\w+)"/.exec(labels)?.[1] ?? ""}`)
        .sort();
    const name = "dialer_phase_duration_seconds_bucket";
    const phases = ["connect", "dns", "handshake"];
    assert.deepEqual(
      [...new Set(of(good))],
      ["dialer_dial_duration_seconds_bucket ", ...phases.map((each) => `${name} ${each}`)],
    );
    assert.deepEqual(of(failed), ["dialer_dial_duration_seconds_bucket ", `${name} connect`]);
    for (const { value, at, labels } of found) {
      const bound = /le="([^"]+)"/.exec(labels)?.[1];
      assert.ok(value >= 0 && value <= (bound === "+Inf" ? Infinity : Number(bound)), labels);
      assert.ok(Math.abs(at - Date.now() / 1000) < 60, "the time must be in seconds");
    }
  });

  it("exemplars do not change any metric value", async () => {
    await using server = await goodPeer();
    const { registry, dial } = both();
    for (let count = 0; count < 3; count += 1) (await dial(server.address)).destroy();
    await assert.rejects(dial(`127.0.0.1:${await freePort()}`));
    const text = (await registry.metrics()).replaceAll(/ # \{.*$/gm, "");
    const { value } = await scrape({ metrics: async () => text } as never);
    const me = { dialer_name: "default" };
    assert.equal(value("dialer_dial_duration_seconds_count", { ...me, error_type: "" }), 3);
    assert.equal(value("dialer_dial_duration_seconds_bucket", { ...me, error_type: "", le: "+Inf" }), 3);
    assert.equal(value("dialer_dial_duration_seconds_count", { ...me, error_type: "refused" }), 1);
  });

  it("exemplars work for values above the last bucket and after a reset", async () => {
    let durationMs = 100_000;
    const base: Dialer = (_target, options) => {
      options?.trace?.dnsDone?.({ host: "db", addresses: [], durationMs, outcome: "success" });
      return scriptedDialer()("h:1") as never;
    };
    const { registry, layers } = both();
    const dial = compose(...layers, base);
    await dial("h:1");
    const [above] = (await exemplarsOf(registry)).filter(({ metric }) => metric.includes("phase"));
    assert.match(above?.labels ?? "", /le="\+Inf"/);
    assert.equal(above?.value, 100);
    registry.resetMetrics();
    durationMs = 2;
    await dial("h:1");
    const after = (await exemplarsOf(registry)).filter(({ metric }) => metric.includes("phase"));
    assert.deepEqual(
      after.map(({ value }) => value),
      [0.002],
    );
  });

  it("spanExemplar returns no exemplar without a sampled active span", async () => {
    await using server = await goodPeer();
    for (const { registry, dial } of [both({}, false), { registry: openMetrics(), dial: tcp() }]) {
      (await dial(server.address)).destroy();
      assert.deepEqual(await exemplarsOf(registry), []);
    }
    const registry = openMetrics();
    const untraced = compose(withPrometheus({ registry, exemplars: spanExemplar }), tcp());
    (await untraced(server.address)).destroy();
    assert.deepEqual(await exemplarsOf(registry), []);
    assert.equal(spanExemplar(), undefined);
    const unsampled = { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: TraceFlags.NONE };
    const context = trace.setSpanContext(sdk2.api.ROOT_CONTEXT, unsampled);
    assert.equal(sdk2.api.context.with(context, spanExemplar), undefined);
  });

  it("withPrometheus adds no exemplars by default", async () => {
    await using server = await goodPeer();
    const { registry, dial } = both({ exemplars: undefined });
    (await dial(server.address)).destroy();
    assert.deepEqual(await exemplarsOf(registry), []);
  });

  it("withPrometheus accepts a custom exemplars function", async () => {
    const registry = openMetrics();
    const dial = compose(withPrometheus({ registry, exemplars: () => ({ request: 'a"b' }) }), scriptedDialer());
    await dial("h:1");
    assert.deepEqual(
      (await exemplarsOf(registry)).map(({ exemplar }) => exemplar),
      ['request="a\\"b"'],
    );
  });

  const broken: Readonly<Record<string, () => never>> = {
    "returns more characters than OpenMetrics allows": () => ({ trace_id: "x".repeat(128) }) as never,
    "returns an invalid label name": () => ({ "trace id": "x" }) as never,
    "returns a label value that is not a string": () => ({ trace_id: 7 }) as never,
    throws: () => {
      throw new Error("no exemplar");
    },
  };
  for (const [what, exemplars] of Object.entries(broken)) {
    it(`an exemplars function that ${what} is ignored and the observation still counted`, async () => {
      const registry = openMetrics();
      const dial = compose(withPrometheus({ registry, exemplars }), scriptedDialer());
      await dial("h:1");
      assert.deepEqual(await exemplarsOf(registry), []);
      const { value } = await scrape(registry as never);
      const labels = { dialer_name: "default", error_type: "" };
      assert.equal(value("dialer_dial_duration_seconds_count", labels), 1);
      assert.equal(value("dialer_dial_active", { dialer_name: "default" }), 0);
    });
  }

  it("exemplars appear in histograms created before the registry's content type was set", async () => {
    const registry = new Registry();
    compose(withPrometheus({ registry }), scriptedDialer());
    registry.setContentType(openMetricsContentType as never);
    const exemplars = () => ({ request: "a" });
    await compose(withPrometheus({ registry, exemplars }), scriptedDialer())("h:1");
    assert.equal((await exemplarsOf(registry as never)).length, 1);
  });

  it("withPrometheus refuses exemplars with a registry that cannot print them", () => {
    assert.throws(() => withPrometheus({ registry: new Registry(), exemplars: spanExemplar }), {
      name: "TypeError",
      message:
        /exemplars require a registry with the OpenMetrics content type; call setContentType\(openMetricsContentType\)/,
    });
    assert.throws(() => withPrometheus({ registry: openMetrics(), exemplars: true as never }), {
      name: "TypeError",
      message: /withPrometheus: exemplars must be a function, got true/,
    });
  });
});
