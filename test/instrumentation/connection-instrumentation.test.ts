import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect, type LookupFunction, Socket } from "node:net";
import { describe, it } from "node:test";
import { connect as connectTls } from "node:tls";
import { context, createNoopMeter, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { type Instrumentation, registerInstrumentations } from "@opentelemetry/instrumentation";
import { NetInstrumentation } from "@opentelemetry/instrumentation-net";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { ConnectionInstrumentation, type ConnectionInstrumentationConfig } from "../../src/instrumentation.ts";
import { authority } from "../support/certificates.ts";
import { freePort, goodPeer, type Peer } from "../support/peers.ts";
import { until } from "../support/resources.ts";
import { tlsPeer } from "../support/tls-peers.ts";

const ca = authority();
const issued = ca.issue({ name: "db.test", alternatives: ["DNS:db.test", "IP:127.0.0.1"] });

/** Resolves every name to an address that refuses, and then to loopback. */
const twoAddresses: LookupFunction = (_host, _options, done) =>
  setImmediate(done, null, [
    { address: "::1", family: 6 },
    { address: "127.0.0.1", family: 4 },
  ]);

/** Providers that keep what they get, apart from the global ones. */
function signals() {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  return {
    tracerProvider,
    meterProvider,
    spans: () => exporter.getFinishedSpans(),
    names: () => exporter.getFinishedSpans().map(({ name }) => name),
    /** The values of one metric by the outcome or reason of its points, or by name. */
    async values(metric: string) {
      metrics.reset();
      await reader.forceFlush();
      const found = metrics
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
        .filter(({ descriptor }) => descriptor.name === metric);
      return found.flatMap(({ dataPoints }) =>
        dataPoints.map(({ attributes, value }) => ({ name: attributes["dialer.name"], value: value as number })),
      );
    },
    async [Symbol.asyncDispose]() {
      await tracerProvider.shutdown();
      await meterProvider.shutdown();
    },
  };
}

/** Sum of a metric's points. */
const sum = (points: readonly { readonly value: number }[]) => points.reduce((total, { value }) => total + value, 0);

/** Connects to a server, and closes. */
async function connecting({ port }: Pick<Peer, "port">): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
  await once(socket, "close");
}

/** Registers instrumentations as NodeSDK does, and undoes it. */
function registered(given: ReturnType<typeof signals>, ...instrumentations: Instrumentation[]) {
  const { tracerProvider, meterProvider } = given;
  const unregister = registerInstrumentations({ instrumentations, tracerProvider, meterProvider });
  return { [Symbol.dispose]: unregister };
}

describe("ConnectionInstrumentation", () => {
  it("registerInstrumentations gives it the providers: a connect has spans and metrics, each once", async () => {
    await using server = await goodPeer();
    await using given = signals();
    using _registered = registered(given, new ConnectionInstrumentation());
    await connecting(server);
    assert.deepEqual(given.names().sort(), ["attempt", "connect", "dial"]);
    assert.equal(sum(await given.values("dialer.connection.established")), 1);
  });

  it("enable and disable take effect once each, and disable leaves Socket.prototype.connect as it was", async () => {
    await using server = await goodPeer();
    await using given = signals();
    const { connect: original } = Socket.prototype;
    const instrumentation = new ConnectionInstrumentation({ enabled: false });
    assert.equal(Socket.prototype.connect, original);
    instrumentation.setTracerProvider(given.tracerProvider);
    instrumentation.enable();
    instrumentation.enable();
    await connecting(server);
    instrumentation.disable();
    instrumentation.disable();
    assert.equal(Socket.prototype.connect, original);
    await connecting(server);
    assert.equal(given.names().filter((name) => name === "dial").length, 1);
  });

  it("a new tracer provider or meter provider gets the connections that start from then on", async () => {
    await using server = await goodPeer();
    await using first = signals();
    await using second = signals();
    const { connect: original } = Socket.prototype;
    const instrumentation = new ConnectionInstrumentation();
    for (const { tracerProvider, meterProvider } of [first, second]) {
      instrumentation.setTracerProvider(tracerProvider);
      instrumentation.setMeterProvider(meterProvider);
      await connecting(server);
    }
    instrumentation.disable();
    assert.equal(Socket.prototype.connect, original);
    for (const each of [first, second]) {
      assert.equal(each.names().filter((name) => name === "dial").length, 1);
      assert.equal(sum(await each.values("dialer.connection.established")), 1);
    }
  });

  it("the meter provider that the API has before one is registered does not hide the one set later", async () => {
    await using server = await goodPeer();
    await using given = signals();
    const instrumentation = new ConnectionInstrumentation();
    try {
      instrumentation.setMeterProvider({ getMeter: createNoopMeter });
      await connecting(server);
      instrumentation.setMeterProvider(given.meterProvider);
      await connecting(server);
    } finally {
      instrumentation.disable();
    }
    assert.equal(sum(await given.values("dialer.connection.established")), 1);
  });

  it("requireParentSpan leaves out the spans of a connect without an active span, and measures it", async () => {
    await using server = await goodPeer();
    await using given = signals();
    using _registered = registered(given, new ConnectionInstrumentation({ requireParentSpan: true }));
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    try {
      await connecting(server);
      assert.deepEqual(given.names(), []);
      const parent = given.tracerProvider.getTracer("test").startSpan("request");
      await context.with(trace.setSpan(context.active(), parent), () => connecting(server));
      parent.end();
      const dial = given.spans().find(({ name }) => name === "dial");
      assert.equal(dial?.parentSpanContext?.spanId, parent.spanContext().spanId);
    } finally {
      context.disable();
    }
    assert.equal(sum(await given.values("dialer.connection.established")), 2);
  });

  it("ignoreTargets takes patterns, regular expressions with any flag, and functions", async () => {
    await using server = await goodPeer();
    await using given = signals();
    const instrumentation = new ConnectionInstrumentation();
    using _registered = registered(given, instrumentation);
    for (const ignored of ["127.0.0.*", `:${server.port}`, /^127\./g, ({ port }: { port: number }) => port > 0]) {
      instrumentation.setConfig({ ignoreTargets: [ignored] });
      await connecting(server);
      await connecting(server);
    }
    assert.deepEqual(given.names(), []);
    instrumentation.setConfig({ ignoreTargets: ["127.0.0.1:1", /^db\./, () => false] });
    await connecting(server);
    assert.equal(given.names().filter((name) => name === "dial").length, 1);
  });

  it("name is the dialer.name of spans and metrics, as a string or a function of the target", async () => {
    await using server = await goodPeer();
    await using given = signals();
    const instrumentation = new ConnectionInstrumentation({ name: "fixed" });
    using _registered = registered(given, instrumentation);
    await connecting(server);
    instrumentation.setConfig({ name: ({ host }) => `at-${host}` });
    await connecting(server);
    const dials = given.spans().filter(({ name }) => name === "dial");
    const expected = ["fixed", "at-127.0.0.1"];
    assert.deepEqual(
      dials.map(({ attributes }) => attributes["dialer.name"]),
      expected,
    );
    const values = await given.values("dialer.connection.established");
    assert.deepEqual(
      expected.map((name) => sum(values.filter((each) => each.name === name))),
      [1, 1],
    );
  });

  it("setConfig with an invalid value is a TypeError, and the former configuration stays", async () => {
    await using server = await goodPeer();
    await using given = signals();
    const instrumentation = new ConnectionInstrumentation({ name: "former" });
    using _registered = registered(given, instrumentation);
    for (const [config, message] of [
      [
        { requireParentSpans: true },
        /^ConnectionInstrumentation: unknown option requireParentSpans.*requireParentSpan/,
      ],
      [{ ignoreTargets: [""] }, /^ConnectionInstrumentation: ignoreTargets\[0\] must be a pattern .*got ""$/],
      [{ name: "" }, /^ConnectionInstrumentation: name must be a string of 1 to 128 characters/],
    ] as const) {
      const set = () => instrumentation.setConfig(config as ConnectionInstrumentationConfig);
      assert.throws(set, { name: "TypeError", message });
    }
    await connecting(server);
    assert.equal(given.spans().find(({ name }) => name === "dial")?.attributes["dialer.name"], "former");
  });

  it("a value that is not a provider is a TypeError", () => {
    const instrumentation = new ConnectionInstrumentation({ enabled: false });
    assert.throws(
      () => instrumentation.setTracerProvider({} as never),
      /^TypeError: ConnectionInstrumentation: tracer/,
    );
    assert.throws(() => instrumentation.setMeterProvider({} as never), /^TypeError: ConnectionInstrumentation: meter/);
  });
});

/** The span of an event, with its parent in front and whether it failed. */
function tree(spans: ReturnType<ReturnType<typeof signals>["spans"]>): string[] {
  const nameOf = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
  return spans
    .map((span) => {
      const parent = span.parentSpanContext && nameOf.get(span.parentSpanContext.spanId);
      return `${parent === undefined ? "" : `${parent} > `}${span.name}${span.status.code === 2 ? " failed" : ""}`;
    })
    .sort();
}

// One for all tests, because its hook for net is called once. Disabled, so that each registration enables it.
const net = new NetInstrumentation({ enabled: false });

/** Runs a connection under both instrumentations, each with its own providers, and returns what each emitted. */
async function compared(run: () => Promise<void>) {
  await using ours = signals();
  await using theirs = signals();
  using _ours = registered(ours, new ConnectionInstrumentation());
  using _theirs = registered(theirs, net);
  // Loading net applies the patch of instrumentation-net.
  createRequire(import.meta.url)("net");
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  try {
    await run();
    await until(() => ours.names().includes("dial") && theirs.names().length > 0, "both have ended their spans");
  } finally {
    context.disable();
  }
  const closed = async (each: typeof ours) => sum(await each.values("dialer.connection.closed"));
  return { ours: tree(ours.spans()), theirs: tree(theirs.spans()), closed: [await closed(ours), await closed(theirs)] };
}

describe("ConnectionInstrumentation alongside instrumentation-net, each with its own provider", () => {
  it("a connect with two addresses has a span for the lookup and each address; instrumentation-net has one span", async () => {
    await using server = await goodPeer();
    const found = await compared(async () => {
      const socket = connect({ host: "db.test", port: server.port, lookup: twoAddresses, autoSelectFamily: true });
      await once(socket, "connect");
      socket.destroy();
      await once(socket, "close");
    });
    assert.deepEqual(found, {
      ours: ["attempt > connect", "attempt > connect failed", "attempt > dns lookup", "dial", "dial > attempt"],
      theirs: ["tcp.connect"],
      closed: [1, 0],
    });
  });

  it("a connect with TLS has a span for each phase; instrumentation-net has one for both and one for TCP", async () => {
    await using server = await tlsPeer({ key: issued.key, cert: issued.cert });
    const found = await compared(async () => {
      const socket = connectTls({ host: "127.0.0.1", port: server.port, ca: ca.cert, servername: "db.test" });
      await once(socket, "secureConnect");
      socket.destroy();
      await once(socket, "close");
    });
    assert.deepEqual(found, {
      ours: ["attempt > connect", "attempt > tls handshake", "dial", "dial > attempt"],
      theirs: ["tls.connect", "tls.connect > tcp.connect"],
      closed: [1, 0],
    });
  });

  it("an upgrade of an open connection to TLS has no span from either instrumentation", async () => {
    await using server = await tlsPeer({ key: issued.key, cert: issued.cert });
    const found = await compared(async () => {
      const open = connect(server.port, "127.0.0.1");
      await once(open, "connect");
      const socket = connectTls({ socket: open, ca: ca.cert, servername: "db.test" });
      await once(socket, "secureConnect");
      socket.destroy();
      await once(open, "close");
    });
    assert.deepEqual(found, {
      ours: ["attempt > connect", "dial", "dial > attempt"],
      theirs: ["tcp.connect"],
      closed: [1, 0],
    });
  });

  it("a refused connect has failed spans with the reason; instrumentation-net has the message", async () => {
    const port = await freePort();
    const found = await compared(async () => {
      const socket = connect(port, "127.0.0.1");
      await assert.rejects(once(socket, "connect"), { code: "ECONNREFUSED" });
    });
    assert.deepEqual(found, {
      ours: ["attempt > connect failed", "dial > attempt failed", "dial failed"],
      theirs: ["tcp.connect failed"],
      closed: [0, 0],
    });
  });
});
