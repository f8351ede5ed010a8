import type { Duplex } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { openMetricsContentType, Registry } from "prom-client";
import { withBreaker } from "../../../src/breaker.ts";
import {
  compose,
  type DialTrace,
  type Handshake,
  httpProxy,
  type Middleware,
  pool,
  recordDials,
  tcp,
  tls,
  withConcurrencyLimit,
  withFailover,
  withLog,
  withRetry,
  withTimeout,
  withTrace,
} from "../../../src/index.ts";
import { withOtelMetrics, withTracing } from "../../../src/otel.ts";
import { withPrometheus } from "../../../src/prometheus.ts";
import { scriptedDialer } from "../../../src/testing.ts";
import { authority } from "../../support/certificates.ts";
import { goodPeer, peer } from "../../support/peers.ts";
import { loopback, tlsPeer } from "../../support/tls-peers.ts";
import { expecting, type UserFunction, warned } from "../../support/user-functions.ts";
import { allRefused, alwaysDown, downOnce, failing, told, used } from "./expected.ts";

const ca = authority();
const issued = ca.issue({ name: "db.test" });
const backoff = () => 1;

/** Dials with hooks attached in one of the two possible ways. */
type Attach = (hooks: DialTrace) => { layer: Middleware; trace: DialTrace | undefined };

const byLayer: Attach = (hooks) => ({ layer: withTrace(hooks), trace: undefined });
const byDial: Attach = (hooks) => ({ layer: withTrace({}), trace: hooks });

type Scenario = (attached: ReturnType<Attach>) => Promise<void>;

async function plain({ layer, trace }: ReturnType<Attach>): Promise<void> {
  await using server = await goodPeer();
  const handshake: Handshake = async (conn, info) => {
    info.event("hello");
    return conn;
  };
  const dial = compose(layer, tcp({ lookup: loopback }));
  await used(dial(`db.test:${server.port}`, { handshake, trace }));
}

async function retried({ layer, trace }: ReturnType<Attach>): Promise<void> {
  const dial = compose(layer, withRetry({ maxAttempts: 2, backoff, backoffBeforeFirst: true }), alwaysDown());
  await failing(dial("h:1", { trace }));
}

async function timedOut({ layer, trace }: ReturnType<Attach>): Promise<void> {
  await compose(layer, withTimeout({ timeoutMs: 2 }), scriptedDialer(["hang"]))("h:1", { trace }).catch(() => {});
}

async function failedOver({ layer, trace }: ReturnType<Attach>): Promise<void> {
  const failover = withFailover({ targets: ["a:1", "b:1"] });
  await used(compose(layer, withRetry({ backoff }), failover, downOnce())("h:1", { trace }));
}

/** Opens the breaker, lets it become half-open and closes it again with a dial that succeeds. */
async function broken({ layer, trace }: ReturnType<Attach>): Promise<void> {
  const breaker = withBreaker({ breaker: { consecutive: 1 }, halfOpenAfterMs: 1 });
  const dial = compose(layer, breaker, downOnce());
  await failing(dial("h:1", { trace }));
  await setTimeout(10);
  await used(dial("h:1", { trace }));
}

async function limited({ layer, trace }: ReturnType<Attach>): Promise<void> {
  const dial = compose(layer, withConcurrencyLimit({ maxConcurrent: 1 }), scriptedDialer());
  await Promise.all([used(dial("h:1", { trace })), used(dial("h:1", { trace }))]);
}

async function pooled({ layer, trace }: ReturnType<Attach>): Promise<void> {
  await using connections = pool<Duplex>({ dialer: compose(layer, scriptedDialer()) });
  (await connections.acquire("h:1", { trace })).release();
}

async function proxied({ layer, trace }: ReturnType<Attach>): Promise<void> {
  await using proxy = await peer((socket) => {
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
  });
  await used(compose(layer, httpProxy({ proxy: `http://${proxy.address}` }))("db.test:1", { trace }));
}

async function secured({ layer, trace }: ReturnType<Attach>): Promise<void> {
  await using server = await tlsPeer(issued);
  const dial = compose(layer, tls({ ca: ca.cert, sessionCache: false }, tcp({ lookup: loopback })));
  await used(dial(`db.test:${server.port}`, { trace }));
}

const scenarios: Readonly<Record<keyof DialTrace, Scenario>> = {
  dialStart: plain,
  dialDone: plain,
  attemptStart: plain,
  attemptDone: plain,
  dnsStart: plain,
  dnsDone: plain,
  connectStart: plain,
  connectDone: plain,
  handshakeStart: plain,
  handshakeEvent: plain,
  handshakeDone: plain,
  connClosed: plain,
  startDelayed: retried,
  retryScheduled: retried,
  retryExhausted: retried,
  timeout: timedOut,
  failover: failedOver,
  breakerChange: broken,
  limitWait: limited,
  gotConn: pooled,
  putIdleConn: pooled,
  proxyStart: proxied,
  proxyDone: proxied,
  tlsHandshakeStart: secured,
  tlsHandshakeDone: secured,
};

const hooks = (Object.entries(scenarios) as [keyof DialTrace, Scenario][]).flatMap(([hook, scenario]) =>
  (
    [
      ["withTrace", byLayer],
      ["dial: trace", byDial],
    ] as const
  ).map(
    ([where, attach]): UserFunction => ({
      name: `${where}: ${hook}`,
      right: () => {},
      expected: told(new RegExp(`a ${hook} hook`)),
      run: (given) => scenario(attach({ [hook]: given })),
    }),
  ),
);

/** A dial that causes every log line: it waits, connects to a real server and closes. */
async function logged(layer: Middleware): Promise<void> {
  await using server = await goodPeer();
  await used(compose(layer, tcp())(server.address));
  await failing(compose(layer, withRetry({ maxAttempts: 2, backoff }), tcp())("127.0.0.1:1"));
}

const nothing = () => {};
const loggers = (["info", "warn"] as const).flatMap((method) =>
  [false, true].map(
    (pretty): UserFunction => ({
      name: `withLog: logger.${method}${pretty ? ", pretty" : ""}`,
      right: nothing,
      expected: told(new RegExp(`withLog's logger\\.${method}\\(\\)`)),
      run: (given) => logged(withLog({ info: nothing, warn: nothing, [method]: given }, { pretty })),
    }),
  ),
);

export const observerFunctions: readonly UserFunction[] = [
  ...hooks,
  ...loggers,
  {
    name: "withTrace: observer",
    right: () => undefined,
    expected: {
      ...expecting(warned(/^an observer threw/)),
      "returns undefined": { outcome: "resolves" },
    },
    run: (observer) => used(compose(withTrace(observer), scriptedDialer())("h:1")),
  },
  {
    name: "recordDials: done",
    right: nothing,
    expected: told(/recordDials' done\(\)/),
    run: (done) => used(compose(withTrace(recordDials(done)), scriptedDialer())("h:1")),
  },
  {
    name: "withPrometheus: exemplars",
    right: () => ({ trace_id: "1" }),
    expected: { ...expecting(warned(/exemplars/)), "returns undefined": { outcome: "resolves" } },
    async run(exemplars) {
      const registry = new Registry<typeof openMetricsContentType>();
      registry.setContentType(openMetricsContentType);
      await used(compose(withPrometheus({ registry, exemplars }), scriptedDialer())("h:1"));
      await registry.metrics();
    },
  },
  {
    name: "withTracing: tracerProvider.getTracer",
    right: () => new BasicTracerProvider().getTracer("test"),
    expected: expecting(warned(/a tracer provider/)),
    run: (getTracer) => used(compose(withTracing({ tracerProvider: { getTracer } }), scriptedDialer())("h:1")),
  },
  {
    // Called once at construction, with a warning, and once more for the error.
    name: "withOtelMetrics: meterProvider.getMeter",
    right: () => new MeterProvider().getMeter("test"),
    callsWhenRefused: 2,
    expected: allRefused("meterProvider.getMeter\\(\\) must return a meter"),
    run: async (getMeter) => used(compose(withOtelMetrics({ meterProvider: { getMeter } }), scriptedDialer())("h:1")),
  },
];
