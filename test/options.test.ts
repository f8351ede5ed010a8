/** Tests every public function with options: an unknown option, a misspelled one, a wrong type of each, and no object. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import type { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { Registry } from "prom-client";
import * as breaker from "../src/breaker.ts";
import * as bridges from "../src/bridge.ts";
import * as clients from "../src/clients.ts";
import * as http from "../src/http.ts";
import * as core from "../src/index.ts";
import * as inspectors from "../src/inspector.ts";
import * as instrumentations from "../src/instrumentation.ts";
import { nats2Checks, transportNodeChecks } from "../src/nats/option-checks.ts";
import * as nats from "../src/nats.ts";
import * as natsV2 from "../src/nats-v2.ts";
import * as natsWs from "../src/nats-ws.ts";
import * as otel from "../src/otel.ts";
import * as processes from "../src/process.ts";
import * as prometheus from "../src/prometheus.ts";
import * as testing from "../src/testing.ts";
import * as undici from "../src/undici.ts";

/** Wrong values for each kind of option. `null` and `NaN` often come from JSON and arithmetic, strings from the environment. */
const wrong = {
  number: ["5", Number.NaN, true, null, {}, [5]],
  boolean: ["true", "false", 0, 1, null, {}],
  text: [5, true, null, {}, ["x"]],
  function: ["f", 5, {}, null, core.withRetry],
  dialer: ["tcp", 5, {}, null, core.tcp, core.withRetry(), core.compose],
  hooks: ["hooks", 5, null, true],
  object: ["x", 5, null, true],
  array: ["x", 5, null, {}],
  signal: ["x", 5, null, {}, new AbortController()],
  /** Passed through; its contents are checked elsewhere. */
  passed: [],
} as const;

type Kind = keyof typeof wrong;

interface Row {
  /** The prefix of its errors. */
  readonly factory: string;
  readonly call: (options: unknown) => unknown;
  /** The required options. */
  readonly required?: object;
  readonly options: Readonly<Record<string, Kind>>;
  /** Whether unknown options are passed through with a warning. */
  readonly open?: boolean;
}

const registry = new Registry();
const base = testing.scriptedDialer();
const page = inspectors.inspector();
const logger = { info() {}, warn() {} };
const connection = { status() {} } as never;
const record = { target: "h:1", phases: [], outcome: "success", startedAt: 0 } as never;
const pool = core.pool({ dialer: base });
const perDial = {
  signal: "signal",
  trace: "hooks",
  handshake: "function",
  background: "boolean",
  owner: "object",
  attributes: "object",
  timeoutMs: "number",
  maxAttempts: "number",
  backoff: "function",
  backoffBeforeFirst: "boolean",
  shouldRetry: "function",
  skip: "array",
} as const;
const { timeoutMs: _timeoutMs, ...perDialOfAgent } = { ...perDial, clock: "object" } as const;
const dial = core.compose(core.withTimeout({ timeoutMs: 5 }), core.withRetry(), base);

const own: Readonly<Record<string, Kind>> = {
  dialer: "dialer",
  signal: "signal",
  connectDeadlineMs: "number",
  retryOnFailedConnect: "boolean",
  connectInBackground: "boolean",
  reconnectBufSize: "number",
  trace: "hooks",
  rttIntervalMs: "number",
  reconnectDelayHandler: "function",
  onConnect: "function",
  onDisconnect: "function",
  onReconnect: "function",
  onClosed: "function",
  onDiscoveredServers: "function",
  onLameDuck: "function",
  onError: "function",
};
/** The options of the client; test/nats/options.test.ts checks their types. */
const passedOn = (checks: object) =>
  Object.fromEntries(Object.keys(checks).map((name) => [name, own[name] ?? "passed"]));

const { timeoutMs: _, ...perSocket } = perDial;
class PgClient {
  connect() {}
  end() {}
}
class RedisConnector {
  check() {
    return true;
  }
  disconnect() {}
}
const { mariadbStream, mysql2Stream, pgStream, postgresSocket, tediousConnector } = clients;
const { kafkajsSocketFactory, ldaptsConnection, mqttStream, nodemailerSocket, rheaConnection, wsConnection } = clients;
const adapters = {
  ...{ mariadbStream, mysql2Stream, pgStream, postgresSocket, tediousConnector },
  ...{ kafkajsSocketFactory, ldaptsConnection, mqttStream, nodemailerSocket, rheaConnection, wsConnection },
};

const rows: readonly Row[] = [
  { factory: "dial", call: (options) => dial("h:1", options as never), options: { ...perDial, clock: "object" } },
  {
    factory: "acquire",
    call: (options) => pool.acquire("h:1", options as never),
    options: { ...perDial, clock: "object" },
  },
  {
    factory: "lazySocket",
    call: (options) => core.lazySocket(dial, "h:1", options as never).destroy(),
    options: { ...perDial, clock: "object", event: "text", startOnConnect: "boolean", allowHalfOpen: "boolean" },
  },
  {
    factory: "DialedAgent: dial",
    call: (options) => new http.DialedAgent(dial, { dial: options as never }),
    options: perDialOfAgent,
  },
  {
    factory: "DialedHttpsAgent: dial",
    call: (options) => new http.DialedHttpsAgent(dial, { dial: options as never }),
    options: perDialOfAgent,
  },
  {
    factory: "dispatcher: dial",
    call: (options) => undici.dispatcher(dial, { dial: options as never }),
    options: perDialOfAgent,
  },
  {
    factory: "pgClient",
    call: (options) => clients.pgClient(PgClient, dial, "h:1", options as never),
    options: { ...perSocket, clock: "object" },
  },
  {
    factory: "ioredisConnector",
    call: (options) => clients.ioredisConnector(RedisConnector, dial, "h:1", options as never),
    options: { ...perSocket, clock: "object" },
  },
  ...Object.entries(adapters).map(([factory, adapter]) => ({
    factory,
    call: (options: unknown) => adapter(dial, "h:1", options as never),
    options: { ...perSocket, clock: "object" as const },
  })),
  {
    factory: "retryBudget",
    call: (options) => core.retryBudget(options as never),
    options: { share: "number", minPerSecond: "number", windowMs: "number", clock: "object" },
  },
  {
    factory: "waterfall",
    call: (options) => core.waterfall(record, options as never),
    options: { columns: "number", colors: "boolean" },
  },
  {
    factory: "httpProxy",
    call: (options) => core.httpProxy(options as never),
    required: { proxy: "http://h:1" },
    options: { proxy: "text", auth: "object", headers: "object", timeoutMs: "number" },
  },
  {
    factory: "socksProxy",
    call: (options) => core.socksProxy(options as never),
    required: { proxy: "socks5h://h:1" },
    options: { proxy: "text", auth: "object", lookup: "function", timeoutMs: "number" },
  },
  {
    factory: "proxyFromEnvironment",
    call: (options) => core.proxyFromEnvironment(options as never),
    options: { env: "object", scheme: "text" },
  },
  {
    factory: "tcp",
    call: (options) => core.tcp(options as never),
    options: {
      noDelay: "boolean",
      keepAlive: "boolean",
      family: "number",
      lookup: "function",
      connectionAttemptDelayMs: "number",
      resolutionDelayMs: "number",
      rememberWinner: "boolean",
      timeoutMs: "number",
      localAddress: "text",
      localPort: "number",
      unref: "boolean",
    },
  },
  {
    factory: "tls",
    call: (options) => core.tls(options as never),
    options: {
      caFile: "text",
      certFile: "text",
      keyFile: "text",
      serverName: "text",
      alpnProtocols: "array",
      handshakeTimeoutMs: "number",
      sessionCache: "boolean",
      pins: "array",
      checkServerIdentity: "function",
      rejectUnauthorized: "boolean",
      allowPartialTrustChain: "boolean",
      ALPNCallback: "function",
      ca: "passed",
      cert: "passed",
      ciphers: "text",
      clientCertEngine: "text",
      crl: "passed",
      dhparam: "passed",
      ecdhCurve: "text",
      honorCipherOrder: "boolean",
      key: "passed",
      maxVersion: "text",
      minVersion: "text",
      passphrase: "text",
      pfx: "passed",
      privateKeyEngine: "text",
      privateKeyIdentifier: "text",
      secureOptions: "number",
      secureProtocol: "text",
      sessionIdContext: "text",
      sessionTimeout: "number",
      sigalgs: "text",
      ticketKeys: "passed",
    },
  },
  {
    factory: "withConcurrencyLimit",
    call: (options) => core.withConcurrencyLimit(options as never),
    required: { maxConcurrent: 1 },
    options: { maxConcurrent: "number", maxWaiting: "number", waitTimeoutMs: "number" },
  },
  {
    factory: "withDiagnosticsChannel",
    call: (options) => core.withDiagnosticsChannel(options as never),
    options: { name: "text" },
  },
  {
    factory: "withFailover",
    call: (options) => core.withFailover(options as never),
    required: { targets: ["a:1"] },
    options: {
      targets: "array",
      discover: "object",
      policy: "function",
      ejectAfter: "number",
      ejectionMs: "number",
      maxEjectionMs: "number",
      minShare: "number",
      decayMs: "number",
      random: "function",
    },
  },
  {
    factory: "withLog",
    call: (options) => core.withLog(logger, options as never),
    options: { pretty: "boolean", colors: "boolean", columns: "number" },
  },
  {
    factory: "withRateLimit",
    call: (options) => core.withRateLimit(options as never),
    required: { dialsPerSecond: 1 },
    options: { dialsPerSecond: "number", burst: "number" },
  },
  {
    factory: "withRetry",
    call: (options) => core.withRetry(options as never),
    options: {
      maxAttempts: "number",
      shouldRetry: "function",
      budget: "object",
      backoffBeforeFirst: "boolean",
      backoff: "text",
      initialBackoffMs: "number",
      backoffMultiplier: "number",
      maxBackoffMs: "number",
      jitter: "text",
      random: "function",
    },
  },
  {
    factory: "withTimeout",
    call: (options) => core.withTimeout(options as never),
    required: { timeoutMs: 5 },
    options: { timeoutMs: "number" },
  },
  {
    factory: "pool",
    call: (options) => core.pool(options as never),
    required: { dialer: base },
    options: {
      dialer: "dialer",
      maxOpen: "number",
      maxIdle: "number",
      minIdle: "number",
      ttlMs: "number",
      idleTimeoutMs: "number",
      maxLifetimeMs: "number",
      maxLifetimeJitter: "number",
      acquireTimeoutMs: "number",
      maxWaiting: "number",
      validate: "function",
      trace: "hooks",
      clock: "object",
      random: "function",
    },
  },
  {
    factory: "dnsA",
    call: (options) => core.dnsA("h", 1, options as never),
    options: { family: "number", minRefreshMs: "number", maxRefreshMs: "number", resolver: "object" },
  },
  {
    factory: "dnsSrv",
    call: (options) => core.dnsSrv("h", options as never),
    options: { refreshMs: "number", resolver: "object", random: "function" },
  },
  {
    factory: "withBreaker",
    call: (options) => breaker.withBreaker(options as never),
    required: { breaker: { consecutive: 5 } },
    options: {
      breaker: "object",
      halfOpenAfterMs: "number",
      jitter: "text",
      random: "function",
      countsAsFailure: "function",
      maxTargets: "number",
    },
  },
  {
    factory: "withBreaker: breaker",
    call: (rule) => breaker.withBreaker({ breaker: rule } as never),
    required: {},
    options: { consecutive: "number", sampling: "object", count: "object" },
  },
  {
    factory: "withBreaker: breaker.sampling",
    call: (sampling) => breaker.withBreaker({ breaker: { sampling } } as never),
    required: { threshold: 0.5, durationMs: 1000, minimumRps: 1 },
    options: { threshold: "number", durationMs: "number", minimumRps: "number" },
  },
  {
    factory: "withBreaker: breaker.count",
    call: (count) => breaker.withBreaker({ breaker: { count } } as never),
    required: { threshold: 0.5, size: 5 },
    options: { threshold: "number", size: "number", minimumNumberOfCalls: "number" },
  },
  {
    factory: "inspector",
    call: (options) => inspectors.inspector(options as never),
    options: {
      recentDials: "number",
      recentFailures: "number",
      hosts: "array",
      maxViewers: "number",
      updateMs: "number",
      traceLink: "text",
    },
  },
  { factory: "inspector.observe", call: (options) => page.observe(options as never), options: { name: "text" } },
  { factory: "inspector.pool", call: (options) => page.pool(options as never), options: { name: "text" } },
  { factory: "inspector.client", call: (options) => page.client(options as never), options: { name: "text" } },
  {
    factory: "observeProcess",
    // A call that is accepted observes until its end.
    call: (options) => processes.observeProcess(options as never).stop(),
    required: { observers: [{}] },
    options: { observers: "array", name: "function", knownNames: "array", ignore: "function", attributes: "object" },
  },
  {
    factory: "ConnectionInstrumentation",
    call: (options) => new instrumentations.ConnectionInstrumentation(options as never).disable(),
    options: { enabled: "boolean", requireParentSpan: "boolean", ignoreTargets: "array", name: "text" },
  },
  {
    factory: "bridge",
    call: (options) => bridges.bridge(options as never),
    required: { dialer: base, target: "h:1" },
    options: { dialer: "dialer", target: "passed", onError: "function", halfOpenTimeoutMs: "number" },
  },
  {
    factory: "proxyServer",
    call: (options) => bridges.proxyServer(options as never),
    required: { dialer: base },
    options: {
      dialer: "dialer",
      allowTarget: "function",
      auth: "object",
      onError: "function",
      requestTimeoutMs: "number",
      halfOpenTimeoutMs: "number",
    },
  },
  ...[bridges.bridge({ dialer: base, target: "h:1" }), bridges.proxyServer({ dialer: base })].map((made, index) => ({
    factory: index === 0 ? "bridge.listen" : "proxyServer.listen",
    call: async (options: unknown) => (await made.listen(options as never)).close(),
    options: { path: "text", host: "text", port: "number", allow: "text" } as const,
  })),
  {
    factory: "inspector.listen",
    call: async (options) => (await page.listen(options as never)).close(),
    options: { port: "number", host: "text" },
  },
  {
    factory: "connect",
    call: async (options) => (await nats.connect(options as never)).close(),
    options: passedOn(transportNodeChecks),
    open: true,
  },
  {
    factory: "connect",
    call: async (options) => (await natsV2.connect(options as never)).close(),
    options: passedOn(nats2Checks),
    open: true,
  },
  {
    factory: "instrument",
    call: (options) => nats.instrument(connection, options as never),
    required: { trace: {} },
    options: { trace: "hooks", rttIntervalMs: "number" },
  },
  {
    factory: "wsFactory",
    call: (options) => natsWs.wsFactory(options as never),
    required: { dialer: base },
    options: { dialer: "dialer", tls: "object", signal: "signal" },
  },
  {
    factory: "withTracing",
    call: (options) => otel.withTracing(options as never),
    options: {
      tracerProvider: "object",
      mode: "text",
      name: "text",
      attributes: "object",
      requireParentSpan: "boolean",
      suppressTracing: "boolean",
    },
  },
  {
    factory: "withOtelMetrics",
    call: (options) => otel.withOtelMetrics(options as never),
    options: { meterProvider: "object", name: "text", endpoints: "array", attributes: "object" },
  },
  {
    factory: "natsTracing",
    call: (options) => otel.natsTracing(options as never),
    options: { tracerProvider: "object" },
  },
  {
    factory: "natsOtelMetrics",
    call: (options) => otel.natsOtelMetrics(options as never),
    options: { meterProvider: "object", name: "text", attributes: "object" },
  },
  {
    factory: "poolOtelMetrics",
    call: (options) => otel.poolOtelMetrics(options as never),
    options: { meterProvider: "object", name: "text", attributes: "object" },
  },
  {
    factory: "withPrometheus",
    call: (options) => prometheus.withPrometheus(options as never),
    required: { registry },
    options: {
      registry: "object",
      name: "text",
      endpoints: "array",
      exemplars: "function",
      attributes: "object",
      goConntrack: "boolean",
    },
  },
  {
    factory: "natsMetrics",
    call: (options) => prometheus.natsMetrics(options as never),
    required: { registry },
    options: { registry: "object", name: "text", attributes: "object" },
  },
  {
    factory: "poolMetrics",
    call: (options) => prometheus.poolMetrics(options as never),
    required: { registry },
    options: { registry: "object", name: "text", attributes: "object" },
  },
  {
    factory: "withFaults",
    call: (options) => testing.withFaults(options as never),
    options: {
      latencyMs: "number",
      refuse: "number",
      reset: "number",
      blackHole: "number",
      cut: "number",
      cutAfterBytes: "number",
      script: "array",
      seed: "number",
      only: "function",
    },
  },
  {
    factory: "withFaults: script[0]",
    call: (step) => testing.withFaults({ script: [step] as never }),
    options: { fault: "text", latencyMs: "number", cutAfterBytes: "number" },
  },
];

/** Exported functions without options, with arguments that they refuse. */
const others: Readonly<Record<string, readonly (readonly [given: unknown[], message: RegExp])[]>> = {
  lazySocketMode: [[[{}], /^lazySocketMode: socket must be a lazy socket, got an object$/]],
  classify: [],
  dispatcher: [
    [[core.tcp], /^dispatcher: dialer must be a dialer, got the factory tcp; call it: tcp\(\)$/],
    [[{ connections: 2 }], /^dispatcher: dialer must be a function, got an object$/],
    [[base, 5], /^dispatcher: options must be an object, got 5$/],
    [[base, { tls: true }], /^dispatcher: tls must be an object, got true$/],
    [
      [base, { connect: {} }],
      /^dispatcher: connect has no effect: connections are made by the dialer; give options for /,
    ],
    [[base, { connectTimeout: 5 }], /^dispatcher: connectTimeout has no effect: bound the dialer with withTimeout$/],
    [[base, { factory: () => {} }], /^dispatcher: factory has no effect: /],
    [[base, { localAddress: "127.0.0.1" }], /^dispatcher: localAddress has no effect: /],
  ],
  describe: [
    [[5], /^connect: options must be an object, got 5$/],
    [[{ maxReconnectAttempts: "many" }], /^connect: maxReconnectAttempts must be a number, got "many"$/],
  ],
  compose: [
    [[], /^compose: a base dialer such as tcp\(\) is required/],
    [[core.tcp], /^compose: layer 1 must be a function, got the factory tcp; call it: tcp\(\)$/],
    [
      [core.withRetry, base],
      /^compose: layer 1 must be a function, got the factory withRetry; call it: withRetry\(\)$/,
    ],
    [
      [core.withRetry()],
      /^compose: layer 1 must be a dialer, got a middleware; a base dialer such as tcp\(\) comes last$/,
    ],
    [[core.withRetry(), core.tcp], /^compose: layer 2 must be a function, got the factory tcp; call it: tcp\(\)$/],
    [[core.tcp(), core.withRetry()], /^compose: layer 1 must be a middleware, got a dialer; a base dialer comes last$/],
    [[{ timeoutMs: 5 }, base], /^compose: layer 1 must be a function, got an object$/],
    [[prometheus.withPrometheus, base], /the factory withPrometheus/],
    [[prometheus.natsMetrics({ registry }), base], /^compose: layer 1 must be a middleware, got an observer/],
  ],
  parseTarget: [[[5], /^invalid target "5"/]],
  recordDials: [[[{}], /^recordDials: done must be a function, got an object$/]],
  withTrace: [
    [
      [prometheus.natsMetrics({ registry })],
      /^withTrace: observer must observe dials, got an observer of clients; it goes to the trace of connect or instrument$/,
    ],
    [[], /^withTrace: observer must be an object of hooks or a function that returns one, got undefined$/],
    [[core.withLog()], /^withTrace: observer must return hooks, got a middleware$/],
    [[core.tcp()], /^withTrace: observer must return hooks, got a dialer$/],
    [
      [core.recordDials],
      /^withTrace: observer must be a function, got the factory recordDials; call it: recordDials\(\)$/,
    ],
  ],
  natsLog: [[[{ info() {} }], /^natsLog: logger must have the methods info and warn, got an object$/]],
  keepTransport: [
    [[undefined], /^keepTransport: nc must be a connection of transport-node or wsconnect, got undefined$/],
    [[{}], /^keepTransport: nc must be a connection .* got an object$/],
  ],
  stateOf: [
    [[undefined], /^stateOf: nc must be a NATS connection, .* got undefined$/],
    [[{}], /^stateOf: nc must be a NATS connection, .* got an object$/],
  ],
  poolTracing: [],
  spanExemplar: [],
  fakeClock: [],
  scriptedDialer: [
    [["connect"], /^scriptedDialer: steps must be an array, got "connect"$/],
    [[[]], /^scriptedDialer: steps must have at least one step$/],
    [[["conect"]], /^scriptedDialer: steps\[0\] must be an Error, "connect", "hang" or a function, got "conect"$/],
  ],
};

/** Arguments before or after the options. */
const positional: readonly (readonly [what: string, call: () => unknown, message: RegExp])[] = [
  [
    "an observer of dials for a pool's",
    () => core.pool({ dialer: base, trace: core.recordDials(() => {}) as never }),
    /^pool: trace must observe pools, got an observer of dials; it goes to withTrace$/,
  ],
  [
    "an observer of clients for a pool's",
    () => core.pool({ dialer: base, trace: [nats.natsLog()] as never }),
    /^pool: trace must observe pools, got an observer of clients/,
  ],
  [
    "an observer of pools for a client's",
    () => nats.instrument(connection, { trace: otel.poolTracing() as never }),
    /^instrument: trace must observe clients, got an observer of pools/,
  ],
  [
    "a factory for a clock",
    () => dial("h:1", { clock: testing.fakeClock as never }),
    /^dial: clock must be an object with now, setTimeout and clearTimeout, got the factory fakeClock$/,
  ],
  [
    "tls over a factory",
    () => core.tls({}, core.tcp as never),
    /^tls: over must be a dialer, got the factory tcp; call it/,
  ],
  [
    "tls over a middleware",
    () => core.tls({}, core.withRetry() as never),
    /^tls: over must be a dialer, got a middleware/,
  ],
  [
    "httpProxy over a factory",
    () => core.httpProxy({ proxy: "http://h" }, core.tcp as never),
    /^httpProxy: over must be a dialer/,
  ],
  [
    "socksProxy over a factory",
    () => core.socksProxy({ proxy: "socks5h://h" }, core.tcp as never),
    /^socksProxy: over must be/,
  ],
  [
    "proxyFromEnvironment, direct",
    () => core.proxyFromEnvironment({}, core.tcp as never),
    /^proxyFromEnvironment: direct must be/,
  ],
  [
    "DialedAgent over a factory",
    () => new http.DialedAgent(core.tcp as never),
    /^DialedAgent: dialer must be a dialer, got the factory tcp; call it: tcp\(\)$/,
  ],
  [
    "DialedAgent with the options first",
    () => new http.DialedAgent({} as never),
    /^DialedAgent: dialer must be a function, got /,
  ],
  [
    "DialedAgent without an object",
    () => new http.DialedAgent(base, 5 as never),
    /^DialedAgent: options must be an object, got 5$/,
  ],
  [
    "a lookup of DialedAgent",
    () => new http.DialedAgent(base, { lookup() {} } as never),
    /^DialedAgent: lookup has no effect: names are /,
  ],
  [
    "DialedHttpsAgent with the options first",
    () => new http.DialedHttpsAgent({} as never),
    /^DialedHttpsAgent: dialer must be a function, got /,
  ],
  [
    "DialedHttpsAgent without an object",
    () => new http.DialedHttpsAgent(base, 5 as never),
    /^DialedHttpsAgent: options must be an object, got 5$/,
  ],
  [
    "a lookup of DialedHttpsAgent",
    () => new http.DialedHttpsAgent(base, { lookup() {} } as never),
    /^DialedHttpsAgent: lookup has no effect: names are /,
  ],
  ["a bridge without a target", () => bridges.bridge({ dialer: base } as never), /^bridge: invalid target/],
  [
    "a bridge's target without a port",
    () => bridges.bridge({ dialer: base, target: "h" }),
    /^bridge: .*port is missing/,
  ],
  [
    "a proxy server's username with a colon",
    () => bridges.proxyServer({ dialer: base, auth: { username: "a:b", password: "secret" } }),
    /^proxyServer: auth: username must not be empty or contain a colon$/,
  ],
  [
    "a proxy server's empty password",
    () => bridges.proxyServer({ dialer: base, auth: { username: "a", password: "" } }),
    /^proxyServer: auth: password must have 1 to 255 bytes$/,
  ],
  [
    "a dialer for the options of tls",
    () => core.tls(core.tcp() as never),
    /^tls: options must be an object, got a dialer$/,
  ],
  ["a target for the options of tcp", () => core.tcp("h:1" as never), /^tcp: options must be an object, got "h:1"$/],
  ["withLog without a logger", () => core.withLog({} as never), /^withLog: logger must have the methods info and warn/],
  ["withLog, options first", () => core.withLog({ pretty: true } as never), /^withLog: logger must have the methods/],
  [
    "instrument without a connection",
    () => nats.instrument({} as never, { trace: {} }),
    /^instrument: nc must be a NATS/,
  ],
  ["dnsA without a name", () => core.dnsA("", 1), /^dnsA: name must be/],
  ["dnsSrv without a name", () => core.dnsSrv(5 as never), /^dnsSrv: name must be/],
  [
    "a weight beside host",
    () => core.withFailover({ targets: [{ host: "a", port: 1, weight: 2 } as never] }),
    /priority and weight go next to target/,
  ],
  [
    "a misspelled weight",
    () => core.withFailover({ targets: [{ target: "a:1", wieght: 2 } as never] }),
    /unknown option wieght; did you mean weight\?$/,
  ],
  [
    "a weight as text",
    () => core.withFailover({ targets: [{ target: "a:1", weight: "2" } as never] }),
    /weight must be a number of at least 0, got "2"$/,
  ],
  [
    "a middleware over a factory",
    () => core.withRetry()(core.tcp as never),
    /^retry: next must be a dialer, got the factory tcp/,
  ],
  [
    "a middleware over a middleware",
    () => core.withRetry()(core.withRetry() as never),
    /^retry: next must be a dialer, got a middleware/,
  ],
];

/** Returns the error that `call` throws or rejects with. */
async function thrownBy(call: () => unknown): Promise<Error & { code?: string; reason?: string }> {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof TypeError || error instanceof RangeError, `a TypeError or RangeError, not ${error}`);
    return error;
  }
  return assert.fail("the call succeeded");
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

for (const { factory, call, required = {}, options, open = false } of rows) {
  const names = Object.keys(options);
  describe(`${factory}${call.toString().includes("natsV2") ? " of nats 2.x" : ""}:`, () => {
    test(`${factory} refuses an unknown option, and the table lists all options`, async () => {
      if (open) return;
      const { message, code } = await thrownBy(() => call({ ...required, zzzzzzzzzzzz: 1 }));
      const [, listed = ""] = /^.*: unknown option zzzzzzzzzzzz; the options are (.*)$/.exec(message) ?? [];
      assert.deepEqual(listed.split(", ").sort(), [...names].sort(), message);
      assert.ok(message.startsWith(`${factory}: `), message);
      assert.equal(code, "ERR_INVALID_OPTION");
    });

    test(`${factory} suggests the right name for a misspelled option`, async () => {
      for (const name of names) {
        const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
        for (const misspelled of new Set([name.toUpperCase(), snake, `${name}s`, name.replace(/(s|Ms)$/, "")])) {
          // The result may be the name of another option.
          if (names.includes(misspelled)) continue;
          const { message } = await thrownBy(() => call({ ...required, [misspelled]: 1 }));
          assert.match(message, new RegExp(`: unknown option ${misspelled}; did you mean \\w+\\?$`));
        }
      }
    });

    for (const [name, kind] of Object.entries(options)) {
      if (kind === "passed") continue;
      test(`${factory} names ${name} when it has a wrong type`, async () => {
        for (const value of wrong[kind]) {
          const { message, code } = await thrownBy(() => call({ ...required, [name]: value }));
          assert.match(String(code), /^ERR_INVALID_(OPTION|RETURN_VALUE)$/, message);
          const path = new RegExp(`^${escaped(factory)}[.:] ?${name}\\b`);
          assert.match(message, path, `${name}: ${String(value)}`);
        }
      });
    }

    test(`${factory} refuses anything but an object of options`, async () => {
      const values = ["x", 5, true, null, [], [{}], new AbortController().signal, new Map(), Promise.resolve({})];
      for (const value of [...values, ...(factory === "withBreaker: breaker" ? [] : [() => ({}), base])]) {
        // connect accepts a string of servers, and null like the client; a step of a script may be a string.
        if (open && (typeof value === "string" || value === null)) continue;
        if (factory.startsWith("withFaults: script") && typeof value === "string") continue;
        const { message } = await thrownBy(() => call(value));
        assert.match(message, new RegExp(`^${escaped(factory)}: options must be an object, got `), String(value));
      }
    });
  });
}

for (const [what, call, message] of positional) {
  test(`${what} is refused`, async () => {
    assert.match((await thrownBy(call)).message, message);
  });
}

const nowhere = "nowhere";
const breakers = breaker.withBreaker({ breaker: { consecutive: 5 } });
const failover = core.withFailover({ targets: ["h:1"] });
const startsOnConnect = () => core.lazySocket(base, undefined, { startOnConnect: true });

/** Where a user gives a target: the start of the error's message, and the call. */
const withTarget: readonly (readonly [string, () => unknown])[] = [
  ["dial", () => core.compose(base)(nowhere)],
  ["dial", () => core.tcp()(nowhere)],
  ["acquire", () => pool.acquire(nowhere)],
  ["lazySocket", () => core.lazySocket(base, nowhere)],
  ["lazySocket", () => core.lazySocket(base, null as never)],
  ["lazySocket", () => core.lazySocket(base, 5 as never)],
  ["lazySocket: connect()", () => startsOnConnect().connect(0)],
  ["withFailover: targets", () => core.withFailover({ targets: [nowhere] })],
  ["withFailover: targets", () => core.withFailover({ targets: [{ target: nowhere }] })],
  ["withFailover: mark", () => failover.mark(nowhere)],
  ["dnsA: name and port", () => core.dnsA("h", 0)],
  ["withBreaker: state", () => breakers.state(nowhere)],
  ["withBreaker: isolate", () => breakers.isolate(nowhere)],
  ["withBreaker: reset", () => breakers.reset(nowhere)],
  ["bridge", () => bridges.bridge({ dialer: base, target: nowhere })],
  ["connect: servers", () => nats.connect({ servers: ["h:0"] })],
  ["connect: servers", () => natsV2.describe({ servers: ["h:0"] })],
  ["scriptedDialer", () => base(nowhere)],
  ["dispatcher: socketPath", () => undici.dispatcher(base, { socketPath: "\0\0" }).request(get)],
  ["DialedAgent", () => asked(new http.DialedAgent(base))],
  ["pgClient", () => clients.pgClient(PgClient, dial, nowhere)],
  ["ioredisConnector", () => clients.ioredisConnector(RedisConnector, dial, nowhere)],
  ...Object.entries(adapters).map(([name, adapter]) => [name, () => adapter(dial, nowhere)] as const),
  ["ldaptsConnection", () => clients.ldaptsConnection(base)({ host: "a b", port: 1 })],
];
const get: Parameters<ReturnType<typeof undici.dispatcher>["request"]>[0] = {
  origin: "http://h",
  path: "/",
  method: "GET",
};

function asked(agent: http.DialedAgent<Duplex>): Promise<unknown> {
  return once(request({ agent, host: "a b" }), "response");
}

for (const [where, call] of withTarget) {
  test(`the error for a malformed target begins with ${where}`, async () => {
    const { name, message, code, reason } = await thrownBy(call);
    assert.deepEqual({ name, code, reason }, { name: "TypeError", code: "ERR_INVALID_TARGET", reason: "config" });
    assert.match(message, new RegExp(`^${escaped(where)}: invalid target "`));
    assert.equal(message.split("invalid target").length, 2);
  });
}

const entries = {
  ...{ core, breaker, bridges, clients, http, inspectors, instrumentations, processes },
  ...{ nats, natsV2, natsWs, otel, prometheus, testing, undici },
};
const exported = new Map(Object.values(entries).flatMap((entry) => Object.entries(entry)));
const isClass = (value: unknown) => typeof value === "function" && /^class\b/.test(value.toString());

for (const [name, refused] of Object.entries(others)) {
  test(`${name} refuses invalid arguments`, async () => {
    const call = exported.get(name) as (...args: unknown[]) => unknown;
    for (const [given, message] of refused) assert.match((await thrownBy(() => call(...given))).message, message);
  });
}

test("every exported function of every entry is in one of the tables", () => {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
  // Loading `register` observes the process; it exports nothing.
  const subpaths = Object.keys(exports).filter((each) => !each.endsWith(".json") && each !== "./register");
  assert.equal(subpaths.length, Object.keys(entries).length);
  const functions = [...exported].filter(([, value]) => typeof value === "function" && !isClass(value));
  const known = new Set([...rows.map(({ factory }) => factory), ...Object.keys(others)]);
  assert.deepEqual(
    functions.map(([name]) => name).filter((name) => !known.has(name)),
    [],
  );
});
