import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { Registry } from "prom-client";
import { withBreaker } from "../../src/breaker.ts";
import {
  compose,
  type Dialer,
  type DialerDescription,
  describe,
  dnsSrv,
  httpProxy,
  type LayerDescription,
  type Middleware,
  pool,
  proxyFromEnvironment,
  retryBudget,
  socksProxy,
  tcp,
  tls,
  withConcurrencyLimit,
  withDiagnosticsChannel,
  withFailover,
  withLog,
  withRateLimit,
  withRetry,
  withTimeout,
  withTrace,
} from "../../src/index.ts";
import { inspector } from "../../src/inspector.ts";
import { withOtelMetrics, withTracing } from "../../src/otel.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { scriptedDialer, withFaults } from "../../src/testing.ts";

const silent = { info() {}, warn() {} };
const bound = (timeoutMs: number) => withTimeout({ timeoutMs });

/** All layers of a description, in the order of its tree. */
const layersOf = (layer: LayerDescription): LayerDescription[] => [layer, ...layer.beneath.flatMap(layersOf)];
const namesOf = ({ stack }: DialerDescription) => layersOf(stack).map(({ name }) => name);
const optionsOf = (description: DialerDescription, layer: string) =>
  layersOf(description.stack).find(({ name }) => name === layer)?.options;

test("describe prints the layers as a tree, the worst case and the warnings", () => {
  const dial = compose(
    withLog(silent),
    bound(10_000),
    withRetry({ maxAttempts: 3, initialBackoffMs: 100, jitter: "none" }),
    withFailover({ targets: ["db-1:5432", "db-2:5432"] }),
    bound(2_000),
    tls({ serverName: "db.internal" }, httpProxy({ proxy: "http://user:password@proxy:3128" })),
  );
  const retries = "maxAttempts, backoff, backoffBeforeFirst, shouldRetry";
  assert.equal(
    `${describe(dial)}`,
    [
      "withLog",
      "└ dialTimeout  [a dial may set timeoutMs with skip: timeout]",
      "  └ withTimeout  timeoutMs: 10000  [a dial may set timeoutMs]",
      "    └ withRetry  maxAttempts: 3, backoff: exponential, initialBackoffMs: 100, backoffMultiplier: 2, " +
        `maxBackoffMs: 10000, jitter: none  [a dial may set ${retries}]`,
      "      └ withFailover  policy: in_order, targets: [db-1:5432, db-2:5432]",
      "        └ withTimeout  timeoutMs: 2000",
      "          └ tls  serverName: db.internal, handshakeTimeoutMs: 10000",
      "            └ httpProxy  proxy: proxy:3128, timeoutMs: 30000",
      "              └ tcp",
      "worst case of a dial: at most 3 attempts in at most 6300 ms",
    ].join("\n"),
  );
  assert.deepEqual(describe(dial).worstCase, { timeMs: 6300, attempts: 3 });
});

test("a description is plain data that JSON keeps, except for limits that do not exist", () => {
  const description = describe(compose(bound(1000), withRetry(), bound(100), tcp()));
  assert.deepEqual(JSON.parse(JSON.stringify(description)), { ...description });
  assert.deepEqual(Object.keys(description), ["stack", "worstCase", "warnings"]);
  assert.deepEqual(describe(compose(tcp())).worstCase, { timeMs: Number.POSITIVE_INFINITY, attempts: 1 });
});

test("describe names every decorator, observer and base dialer of the package by its factory", () => {
  const layers: Record<string, Middleware> = {
    withTracing: withTracing(),
    withPrometheus: withPrometheus({ registry: new Registry(), goConntrack: true }),
    withOtelMetrics: withOtelMetrics(),
    withDiagnosticsChannel: withDiagnosticsChannel(),
    withLog: withLog(silent, { pretty: true }),
    withTrace: withTrace(() => undefined),
    "inspector.observe": inspector().observe(),
    withTimeout: bound(1000),
    withRetry: withRetry({ budget: retryBudget() }),
    withRateLimit: withRateLimit({ dialsPerSecond: 5 }),
    withConcurrencyLimit: withConcurrencyLimit({ maxConcurrent: 5 }),
    withFailover: withFailover({ discover: dnsSrv("_nats._tcp.example.com") }),
    withBreaker: withBreaker({ breaker: { consecutive: 5 } }),
    withFaults: withFaults(),
  };
  const described = describe(compose(...Object.values(layers), tls()));
  const names = namesOf(described).filter((name) => name !== "dialTimeout");
  assert.deepEqual(names, [...Object.keys(layers), "tls", "tcp"]);
  assert.deepEqual(namesOf(describe(withOtelMetrics({ meterProvider: new MeterProvider() })(tcp()))), [
    "withOtelMetrics",
    "tcp",
  ]);
  const proxied = proxyFromEnvironment({ env: { https_proxy: "socks5h://user:password@proxy:1080" } });
  assert.deepEqual(namesOf(describe(proxied)), ["proxyFromEnvironment", "tcp", "socksProxy", "tcp"]);
});

test("a description of any layer holds no secret", () => {
  const proxies = [
    httpProxy({ proxy: "https://user:secret1@proxy", headers: { "x-token": "secret2" } }),
    socksProxy({ proxy: "socks5://proxy", auth: { username: "user", password: "secret3" } }),
    proxyFromEnvironment({ env: { all_proxy: "http://secret4@proxy" } }),
  ];
  for (const over of proxies) {
    const dial = compose(
      withFailover({ targets: ["nats://user:secret5@a:4222"] }),
      tls({ passphrase: "secret6" }, over),
    );
    assert.doesNotMatch(JSON.stringify(describe(dial)) + describe(dial), /secret/);
  }
});

test("the description shows the timeout layer that compose inserts, at the place where a dial's timeoutMs applies", () => {
  const custom: Middleware = (next) => (target, options) => next(target, options);
  for (const [layers, expected] of [
    [[], ["dialTimeout", "tcp"]],
    [[withLog(silent)], ["withLog", "dialTimeout", "tcp"]],
    [
      [withLog(silent), custom, withRetry()],
      ["withLog", "dialTimeout", "custom", "withRetry", "tcp"],
    ],
    [
      [bound(5), withLog(silent)],
      ["dialTimeout", "withTimeout", "withLog", "tcp"],
    ],
  ] as [Middleware[], string[]][]) {
    const description = describe(compose(...layers, tcp()));
    assert.deepEqual(namesOf(description), expected);
    const inserted = layersOf(description.stack).find(({ name }) => name === "dialTimeout");
    assert.deepEqual(inserted?.overriddenBy, [
      expected.includes("withTimeout") ? "timeoutMs with skip: timeout" : "timeoutMs",
    ]);
  }
});

test("describe shows a user's functions by their names, as custom", () => {
  const named: Middleware = (next) =>
    function admissionDialer(target, options) {
      return next(target, options);
    };
  const anonymous: Middleware = (next) => (target, options) => next(target, options);
  const frozen: Middleware = (next) => Object.freeze(named(next));
  async function ownBase(): Promise<never> {
    throw new Error("down");
  }
  const { stack, worstCase } = describe(compose(named, withRetry(), anonymous, frozen, bound(10), ownBase));
  const shown = layersOf(stack).map(({ name, kind }) => `${name}: ${kind}`);
  assert.deepEqual(shown, [
    "dialTimeout: middleware",
    "admissionDialer: custom",
    "withRetry: middleware",
    "custom: custom",
    "admissionDialer: custom",
    "withTimeout: middleware",
    "ownBase: custom base",
  ]);
  assert.equal(worstCase.attempts, 4);
  assert.equal(describe(ownBase).stack.kind, "custom base");
});

test("a middleware made of layers of the package shows its layers, whether it hides the next dialer or not", () => {
  const open: Middleware = (next) => withRetry()(bound(10)(next));
  const hiding: Middleware = (next) => withRetry()((target, options) => next(target, options));
  const passing: Middleware = (next) => next;
  assert.deepEqual(namesOf(describe(compose(open, passing, tcp()))), [
    "dialTimeout",
    "withRetry",
    "withTimeout",
    "tcp",
  ]);
  const hidden = describe(compose(hiding, bound(10), tcp()));
  assert.deepEqual(namesOf(hidden), ["dialTimeout", "withRetry", "custom", "withTimeout", "tcp"]);
  assert.deepEqual(hidden.warnings, []);
});

test("a middleware that returns one function for every composition is described separately for each", () => {
  let inner: Dialer<Duplex> = scriptedDialer();
  const one: Dialer<Duplex> = (target, options) => inner(target, options);
  const memoized = ((next: Dialer<Duplex>) => {
    inner = next;
    return one;
  }) as unknown as Middleware;
  for (let count = 0; count < 3; count += 1) compose(memoized, withRetry(), scriptedDialer());
  assert.deepEqual(namesOf(describe(compose(memoized, tcp()))), ["dialTimeout", "one", "tcp"]);
});

test("layers inside a base dialer count: attempts multiply, and one attempt may take their time", () => {
  const inner = compose(
    withRetry({ maxAttempts: 3, backoff: "constant", initialBackoffMs: 5, jitter: "none" }),
    bound(10),
    tcp(),
  );
  const overTls = describe(
    compose(
      withRetry({ maxAttempts: 2, backoff: "constant", initialBackoffMs: 1, jitter: "none" }),
      tls({ handshakeTimeoutMs: 50 }, inner),
    ),
  );
  assert.deepEqual(overTls.worstCase, { timeMs: 2 * (3 * 10 + 2 * 5 + 50) + 1, attempts: 6 });
  assert.deepEqual(overTls.warnings, [
    "withRetry is above withRetry: their attempts multiply, up to 2 × 3; retry in one place",
  ]);
  const decorated = describe(compose(withRetry({ maxAttempts: 2 }), withRetry({ maxAttempts: 3 })(bound(10)(tcp()))));
  assert.deepEqual(namesOf(decorated), ["dialTimeout", "withRetry", "attempt", "withRetry", "withTimeout", "tcp"]);
  assert.equal(decorated.worstCase.attempts, 6);
});

test("a composition of compositions is described as one stack", () => {
  const inner = compose(withRetry(), bound(10), tcp());
  assert.deepEqual(namesOf(describe(compose(withLog(silent), inner))), [
    "withLog",
    "dialTimeout",
    "withRetry",
    "withTimeout",
    "tcp",
  ]);
});

test("describe shows a pool with its sizes above the layers of its dialer", async () => {
  const connections = pool({ dialer: compose(bound(60_000), tcp()), maxOpen: 20, acquireTimeoutMs: 5_000 });
  const description = describe(connections);
  assert.deepEqual(namesOf(description), ["pool", "dialTimeout", "withTimeout", "tcp"]);
  assert.equal(optionsOf(description, "pool")?.maxOpen, 20);
  assert.deepEqual(description.worstCase, { timeMs: 5_000, attempts: 1 });
  assert.deepEqual(description.warnings, [
    "withTimeout (timeoutMs: 60000) is longer than pool (acquireTimeoutMs: 5000) above it, which ends the dial first",
  ]);
  await connections.close();
});

test("describe shows the options that matter: policies, rules, limits and the user's functions by name", () => {
  function ownPolicy(candidates: readonly unknown[]) {
    return candidates[0] as never;
  }
  const description = describe(
    compose(
      withConcurrencyLimit({ maxConcurrent: 5, maxWaiting: 7, waitTimeoutMs: 9 }),
      withRateLimit({ dialsPerSecond: 3 }),
      withRetry({ backoff: () => 5, budget: retryBudget(), shouldRetry: () => true, backoffBeforeFirst: true }),
      withFailover({ targets: ["a:1", "a:1", { target: "b:2", weight: 3 }], policy: ownPolicy }),
      withBreaker({ breaker: { count: { threshold: 0.5, size: 20 } }, halfOpenAfterMs: 100 }),
      tcp({ timeoutMs: 900, family: 4 }),
    ),
  );
  assert.deepEqual(optionsOf(description, "withConcurrencyLimit"), {
    maxConcurrent: 5,
    maxWaiting: 7,
    waitTimeoutMs: 9,
  });
  assert.deepEqual(optionsOf(description, "withRateLimit"), { dialsPerSecond: 3, burst: 3 });
  assert.deepEqual(optionsOf(description, "withRetry"), {
    maxAttempts: 4,
    backoff: "backoff",
    shouldRetry: "shouldRetry",
    budget: true,
    backoffBeforeFirst: true,
  });
  assert.deepEqual(optionsOf(description, "withFailover"), { policy: "ownPolicy", targets: ["a:1", "b:2"] });
  const rule = { breaker: "count: threshold 0.5, size 20", halfOpenAfterMs: 100 };
  assert.deepEqual(optionsOf(description, "withBreaker"), rule);
  assert.deepEqual(optionsOf(description, "tcp"), { timeoutMs: 900, family: 4 });
});

const failover = () => withFailover({ targets: ["a:1", "b:2"] });
const breaker = () => withBreaker({ breaker: { consecutive: 5 } });
const noBound = "no timeout beneath withRetry: one attempt that hangs takes all the time; put a withTimeout beneath it";
const mistakes: readonly (readonly [string, readonly Middleware[], readonly string[]])[] = [
  ["a retry without a timeout beneath it", [bound(1000), withRetry()], [noBound]],
  ["a retry whose attempts are limited one by one", [withRetry(), bound(1000)], []],
  ["a retry of a single attempt", [withRetry({ maxAttempts: 1 })], []],
  [
    "a breaker above failover",
    [breaker(), failover(), bound(10)],
    [
      "withBreaker is above withFailover: it sees the service's name instead of each target; put it beneath withFailover",
    ],
  ],
  ["a breaker beneath failover", [failover(), breaker(), bound(10)], []],
  [
    "retries above retries",
    [withRetry(), withRetry({ maxAttempts: 3 }), bound(10)],
    ["withRetry is above withRetry: their attempts multiply, up to 4 × 3; retry in one place"],
  ],
  [
    "a timeout that is longer than the one above it",
    [bound(100), withRetry(), bound(200)],
    ["withTimeout (timeoutMs: 200) is longer than withTimeout (timeoutMs: 100) above it, which ends the dial first"],
  ],
  ["timeouts of equal length", [bound(100), bound(100)], []],
  [
    "a wait for a slot that is longer than the timeout above it",
    [bound(100), withConcurrencyLimit({ maxConcurrent: 1, waitTimeoutMs: 200 })],
    [
      "withConcurrencyLimit (waitTimeoutMs: 200) is longer than withTimeout (timeoutMs: 100) above it, which ends the dial first",
    ],
  ],
  [
    "an observer beneath a retry and a timeout",
    [bound(500), withRetry(), withLog(silent), bound(100)],
    ["withLog is beneath withTimeout, withRetry: it does not see what happens there; put it above"],
  ],
  ["observers above everything", [withTrace({}), withLog(silent), bound(500), withRetry(), bound(100)], []],
];
for (const [what, layers, warnings] of mistakes) {
  test(`describe has ${warnings.length === 0 ? "no warning" : "a warning"} for ${what}`, () => {
    assert.deepEqual(describe(compose(...layers, tcp())).warnings, warnings);
    assert.equal(String(describe(compose(...layers, tcp()))).includes("warning: "), warnings.length > 0);
  });
}

test("describe compares the timeouts of base dialers with those above only where an option sets them", () => {
  const warned = <C extends Duplex>(base: Dialer<C>) => describe(compose(bound(1000), base)).warnings.length;
  assert.equal(warned(tls()), 0);
  assert.equal(warned(tls({ handshakeTimeoutMs: 2000 })), 1);
  assert.equal(warned(httpProxy({ proxy: "http://proxy" })), 0);
  assert.equal(warned(socksProxy({ proxy: "socks5://proxy", timeoutMs: 2000 })), 1);
  assert.equal(warned(tcp({ timeoutMs: 2000 })), 1);
});

test("describe shows the targets that discovery has found by then", async () => {
  const found = withFailover({
    discover: async function* own() {
      yield ["a:1", "b:2"];
    },
  });
  const dial = compose(found, scriptedDialer());
  assert.deepEqual(optionsOf(describe(dial), "withFailover"), { policy: "in_order", targets: [], discover: "own" });
  (await dial("orders:1")).destroy();
  assert.deepEqual(optionsOf(describe(dial), "withFailover")?.targets, ["a:1", "b:2"]);
  found.close();
});

test("describe takes no longer for each further layer of retries, however deep they nest", () => {
  const dial = compose(...Array.from({ length: 60 }, () => withRetry({ maxAttempts: 2 })), scriptedDialer());
  const { worstCase, warnings } = describe(dial);
  assert.equal(worstCase.attempts, 2 ** 60);
  assert.match(warnings.join("\n"), /their attempts multiply/);
});

test("describe refuses anything but a dialer, a pool or a lazy socket", () => {
  for (const [given, shown] of [
    [undefined, "undefined"],
    [{}, "an object"],
    ["db:5432", '"db:5432"'],
  ] as const) {
    assert.throws(() => describe(given as never), {
      name: "TypeError",
      message: `describe: dialer must be a dialer, a pool or a lazy socket, got ${shown}`,
    });
  }
  assert.throws(
    () => describe(tcp as never),
    /^TypeError: describe: dialer must be a dialer, got the factory tcp; call it: tcp\(\)$/,
  );
  assert.throws(
    () => describe(withRetry() as never),
    /^TypeError: describe: dialer must be a dialer, got a middleware; /,
  );
});
