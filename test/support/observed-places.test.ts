import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { Registry } from "prom-client";
import { ClientEvents } from "../../src/client/client-events.ts";
import {
  compose,
  type Middleware,
  type PoolOptions,
  pool,
  type SocketDialer,
  tcp,
  tls,
  withDiagnosticsChannel,
  withLog,
  withRetry,
} from "../../src/index.ts";
import { inspector } from "../../src/inspector.ts";
import { natsLog } from "../../src/nats.ts";
import {
  natsOtelMetrics,
  natsTracing,
  poolOtelMetrics,
  poolTracing,
  withOtelMetrics,
  withTracing,
} from "../../src/otel.ts";
import { natsMetrics, poolMetrics, withPrometheus } from "../../src/prometheus.ts";

const warnings: string[] = [];
const collect = (warning: Error) => void warnings.push(warning.message);
before(() => process.on("warning", collect));
after(() => process.off("warning", collect));

/** Returns the warnings that `work` emits. */
async function warned(work: () => unknown): Promise<string[]> {
  warnings.length = 0;
  work();
  // Warnings are emitted in a later tick.
  await new Promise((resolve) => setImmediate(resolve));
  return [...warnings];
}

const registry = new Registry();
const tracerProvider = new BasicTracerProvider();
const meterProvider = new MeterProvider();
const page = inspector();
const logger = { info() {}, warn() {} };

const layers: readonly [factory: string, name: string, make: () => Middleware][] = [
  ["withPrometheus", "orders", () => withPrometheus({ registry, name: "orders" })],
  ["withPrometheus", "conntrack", () => withPrometheus({ registry, name: "conntrack", goConntrack: true })],
  ["withTracing", "orders", () => withTracing({ tracerProvider, name: "orders" })],
  ["withTracing", "default", () => withTracing()],
  ["withOtelMetrics", "orders", () => withOtelMetrics({ meterProvider, name: "orders" })],
  ["withOtelMetrics", "default", () => withOtelMetrics()],
  ["withDiagnosticsChannel", "orders", () => withDiagnosticsChannel({ name: "orders" })],
  ["withLog", "log", () => withLog(logger)],
  ["inspector.observe", "orders", () => page.observe({ name: "orders" })],
];
const message = (factory: string, name: string, what: string) =>
  `${factory}: two observers named ${JSON.stringify(name)} observe one ${what} and count everything twice; remove one`;

for (const [factory, name, make] of layers) {
  test(`two ${factory} observers named ${name} in one dialer cause one warning`, async () => {
    assert.deepEqual(await warned(() => compose(make(), withRetry(), tcp())), [], "one observer causes no warning");
    assert.deepEqual(await warned(() => compose(make(), withRetry(), make(), tcp())), [
      message(factory, name, "dialer"),
    ]);
    assert.deepEqual(
      await warned(() => compose(make(), withRetry(), make(), tcp())),
      [],
      "the warning is emitted once",
    );
  });
}

const nested: readonly [what: string, (upper: Middleware, lower: Middleware) => unknown][] = [
  ["in a composition within another", (upper, lower) => compose(upper, compose(lower, tcp()))],
  [
    "with a user's decorator between them",
    (upper, lower) => compose(upper, (next) => (target) => next(target), lower, tcp()),
  ],
  ["beneath a TLS dialer", (upper, lower) => compose(upper, tls({}, compose(lower, tcp()) as SocketDialer))],
  ["without compose()", (upper, lower) => upper(lower(tcp()))],
];
for (const [what, nest] of nested) {
  test(`two observers of one name cause a warning ${what}`, async () => {
    const layer = () => withPrometheus({ registry, name: what });
    assert.deepEqual(await warned(() => nest(layer(), layer())), [message("withPrometheus", what, "dialer")]);
  });
}

test("observers with another name, registry or kind, or in another dialer, cause no warning", async () => {
  const same = withPrometheus({ registry, name: "same" });
  assert.deepEqual(
    await warned(() => {
      compose(same, withPrometheus({ registry, name: "other" }), tcp());
      compose(same, withPrometheus({ registry: new Registry(), name: "same" }), tcp());
      compose(same, withTracing({ tracerProvider, name: "same" }), withTracing({ name: "same" }), tcp());
    }),
    [],
  );
});

test("two observers of one name on one pool cause one warning", async () => {
  for (const [factory, make] of [
    ["poolMetrics", () => poolMetrics({ registry })],
    ["poolOtelMetrics", () => poolOtelMetrics({ meterProvider })],
    ["poolTracing", () => poolTracing()],
  ] as const) {
    const trace = [make(), make()] as NonNullable<PoolOptions["trace"]>;
    assert.deepEqual(await warned(() => pool({ dialer: tcp(), trace: make() })), []);
    assert.deepEqual(await warned(() => pool({ dialer: tcp(), trace })), [message(factory, "default", "pool")]);
  }
});

test("two observers of one name on one client cause one warning, whenever they are attached", async () => {
  const stats = () => ({
    inMsgs: 0,
    outMsgs: 0,
    inBytes: 0,
    outBytes: 0,
    configuredServers: 1,
    discoveredServers: 0,
    bufferedBytes: 0,
  });
  for (const [factory, name, make] of [
    ["natsMetrics", "default", () => natsMetrics({ registry })],
    ["natsOtelMetrics", "default", () => natsOtelMetrics({ meterProvider })],
    ["natsTracing", "default", () => natsTracing()],
    ["natsLog", "log", () => natsLog(logger)],
    ["inspector.client", "default", () => page.client()],
  ] as const) {
    const events = new ClientEvents({ stats }, "connecting");
    const detach = events.observe(make());
    detach();
    assert.deepEqual(
      await warned(() => events.observe(make())),
      [],
      `${factory}: a detached observer causes no warning`,
    );
    assert.deepEqual(await warned(() => events.observe(make())), [message(factory, name, "client")]);
    events.close(undefined);
  }
});
