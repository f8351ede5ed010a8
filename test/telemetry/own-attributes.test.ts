import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "prom-client";
import { compose, type Middleware, pool, tcp, withRetry } from "../../src/index.ts";
import { natsOtelMetrics, poolOtelMetrics, withOtelMetrics, withTracing } from "../../src/otel.ts";
import { natsMetrics, poolMetrics, withPrometheus } from "../../src/prometheus.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { goodPeer } from "../support/peers.ts";
import { assertSameSeries, meterSdk } from "./collection.ts";
import { type Sample, type Scrape, scrape } from "./exposition.ts";
import { assertInvariant, me } from "./metered.ts";
import { sdk2 } from "./sdk-lines.ts";
import { spanRecorder } from "./span-tree.ts";

const attributes = { shard: "eu-1", tenant: ["a", "b"] } as const;

/** Every observer with the same attributes. */
function observed(own: Readonly<Record<string, string | readonly string[]>> = attributes) {
  const registry = new Registry();
  const { meterProvider, collect } = meterSdk();
  const recorder = spanRecorder();
  const layers: Middleware[] = [
    withTracing({ tracerProvider: sdk2.provider(recorder), attributes: own }),
    withPrometheus({ registry, attributes: own }),
    withOtelMetrics({ meterProvider, attributes: own }),
  ];
  return { registry, collect, recorder, layers };
}

/** All series but the times of dials, which each layer takes itself. */
const countsOf = (samples: readonly Sample[]) =>
  samples.filter(({ name }) => !/^dialer_dial_duration_seconds_(sum|bucket)/.test(name));

const established = ({ samples }: Scrape) =>
  samples
    .filter(({ name, value }) => name === "dialer_connection_established_total" && value > 0)
    .map(({ labels, value }) => `${labels.shard} ${labels.tenant} ${value}`)
    .sort();

describe("attributes of the application", () => {
  it("a dial's attributes become labels and span attributes, and a value outside of the set is _OTHER", async () => {
    await using server = await goodPeer();
    const { registry, collect, recorder, layers } = observed();
    const dial = compose(...layers, withRetry(), tcp());
    for (const tenant of ["a", "b", "a", "mallory", "__proto__", ""]) {
      (await dial(server.address, { attributes: { tenant } })).destroy();
    }
    (await dial(server.address)).destroy();
    const scraped = await scrape(registry);
    assert.deepEqual(established(scraped), ["eu-1 _OTHER 4", "eu-1 a 2", "eu-1 b 1"]);
    assertSameSeries(countsOf((await collect()).samples), countsOf(scraped.samples));
    assert.deepEqual(
      recorder.started
        .filter(({ name }) => name === "dial")
        .map((span) => [span.attributes.shard, span.attributes.tenant]),
      ["a", "b", "a", "_OTHER", "_OTHER", "_OTHER", "_OTHER"].map((tenant) => ["eu-1", tenant]),
    );
    assert.doesNotMatch(scraped.text, /mallory|__proto__/);
  });

  it("all series of the dials with one value add up, and open connections are counted under it", async () => {
    await using server = await goodPeer();
    const { registry, layers } = observed({ tenant: ["a", "b"] });
    const dial = compose(...layers, tcp());
    const open = [await dial(server.address, { attributes: { tenant: "a" } }), await dial(server.address)];
    const { value, samples } = await scrape(registry);
    for (const tenant of ["a", "b", "_OTHER"]) {
      const of = (name: string, labels = {}) => value(name, { ...me, tenant, ...labels });
      const started = of("dialer_attempt_started_total");
      assert.equal(started, tenant === "b" ? 0 : 1);
      assert.equal(of("dialer_connection_established_total"), started);
      assert.equal(of("dialer_connection_count", { dialer_connection_state: "used" }), started);
      assert.equal(of("dialer_dial_duration_seconds_count", { error_type: "" }), started);
    }
    assert.equal(samples.filter(({ name }) => name === "dialer_dial_active").length, 3);
    for (const conn of open) conn.destroy();
  });

  it("the series of each combination in the sets start at zero", async () => {
    const { registry, layers } = observed({ shard: "eu-1", tenant: ["a", "b"], "app.tier": ["free", "paid"] });
    compose(...layers, tcp());
    const { samples } = await scrape(registry);
    const active = samples.filter(({ name }) => name === "dialer_dial_active").map(({ labels }) => labels);
    assert.deepEqual(
      active,
      ["a", "b"].flatMap((tenant) => ["free", "paid"].map((app_tier) => ({ ...me, shard: "eu-1", tenant, app_tier }))),
    );
  });

  it("dialers with different attributes share a registry", async () => {
    const registry = new Registry();
    const plain = compose(withPrometheus({ registry }), scriptedDialer());
    const sharded = compose(
      withPrometheus({ registry, name: "sharded", attributes: { shard: "1" } }),
      scriptedDialer(),
    );
    for (const dial of [plain, sharded, sharded]) (await dial("h:1")).destroy();
    const scraped = await scrape(registry);
    assertInvariant(scraped);
    assert.equal(scraped.value("dialer_connection_established_total", me), 1);
    assert.equal(scraped.value("dialer_connection_established_total", { dialer_name: "sharded", shard: "1" }), 2);
  });

  it("pools and NATS clients have fixed attributes, and share series with a dialer that has the same", async () => {
    const own = { shard: "eu-1" };
    const registry = new Registry();
    const { meterProvider, collect } = meterSdk();
    const dialer = compose(
      withPrometheus({ registry, attributes: own }),
      withOtelMetrics({ meterProvider, attributes: own }),
      scriptedDialer(),
    );
    natsMetrics({ registry, attributes: own });
    natsOtelMetrics({ meterProvider, attributes: own });
    const trace = [poolMetrics({ registry, attributes: own }), poolOtelMetrics({ meterProvider, attributes: own })];
    await using connections = pool({ dialer, maxOpen: 1, trace });
    (await connections.acquire("h:1")).release();
    const scraped = await scrape(registry);
    assert.deepEqual(scraped.nonZero("dialer_connection_count"), ["dialer_connection_state=idle,shard=eu-1 → 1"]);
    assert.ok(scraped.samples.every(({ labels }) => labels.shard === "eu-1"));
    assertSameSeries(countsOf((await collect()).samples), countsOf(scraped.samples));
  });

  it("a user's decorator passes a dial's attributes on, and may add others", async () => {
    const { registry, layers } = observed();
    const { registry: inner, layers: innerLayers } = observed({ region: ["x"], tenant: ["a"] });
    const adding: Middleware = (next) => (target, options) =>
      next(target, { ...options, attributes: { ...options?.attributes, region: "x" } });
    const dial = compose(...layers, adding, ...innerLayers, adding, scriptedDialer());
    await dial("h:1", { attributes: { tenant: "a" } });
    assert.deepEqual(established(await scrape(registry)), ["eu-1 a 1"]);
    assert.equal(
      (await scrape(inner)).value("dialer_connection_established_total", { ...me, region: "x", tenant: "a" }),
      1,
    );
  });

  it("a dial with an attribute that no observer takes is rejected, with a suggestion of the right name", async () => {
    const { layers } = observed();
    const base = scriptedDialer();
    const dial = compose(...layers, base);
    for (const [given, message] of [
      [
        { tenat: "a" },
        "dial: attributes: no observer of this dialer has an array of values for tenat; did you mean tenant?",
      ],
      [
        { shard: "a" },
        "dial: attributes: no observer of this dialer has an array of values for shard; the attributes are tenant",
      ],
      [{ tenant: 7 }, "dial: attributes.tenant must be a string, got 7"],
      ["a", 'dial: attributes must be an object of strings, got "a"'],
      [null, "dial: attributes must be an object of strings, got null"],
    ] as const) {
      await assert.rejects(dial("h:1", { attributes: given as never }), { name: "TypeError", message });
    }
    await assert.rejects(compose(base)("h:1", { attributes: { tenant: "a" } }), {
      message: 'dial: attributes: no observer of this dialer has an array of values for "tenant"',
    });
    assert.equal(base.calls.length, 0);
  });

  const registry = new Registry();
  const factories = {
    withTracing: (own: never) => withTracing({ attributes: own }),
    withPrometheus: (own: never) => withPrometheus({ registry, attributes: own }),
    withOtelMetrics: (own: never) => withOtelMetrics({ attributes: own }),
    poolMetrics: (own: never) => poolMetrics({ registry, attributes: own }),
    natsMetrics: (own: never) => natsMetrics({ registry, attributes: own }),
    poolOtelMetrics: (own: never) => poolOtelMetrics({ attributes: own }),
    natsOtelMetrics: (own: never) => natsOtelMetrics({ attributes: own }),
  };
  const wrongNames = ["dialer.name", "dialer_name", "error.type", "network_type", "server.address", "nats.x", "tls.x"];
  const ofPrometheus = ["le", "job", "instance", "quantile"];
  for (const [factory, make] of Object.entries(factories)) {
    it(`${factory} refuses attributes that would clash, are not labels, or have no closed set of values`, () => {
      const refuses = (own: unknown, rule: RegExp) =>
        assert.throws(
          () => make(own as never),
          (error: Error) => {
            assert.ok(error.message.startsWith(`${factory}: attributes`), error.message);
            assert.match(error.message, rule);
            return true;
          },
        );
      for (const name of [...wrongNames, ...ofPrometheus])
        refuses({ [name]: "x" }, /must not be a label of Prometheus/);
      for (const name of ["", "a-b", "a b", "1a", "_a", "a.", ".a", "a..b", "é", "__name__", "x".repeat(65)]) {
        refuses({ [name]: "x" }, /must be words of letters, digits and underscores/);
      }
      refuses({ "a.b": "x", a_b: "y" }, /must have a label of its own, not a_b like another/);
      for (const value of ["", 7, null, {}, [], ["a", "a"], ["a", ""], [7], "x".repeat(129)]) {
        refuses({ tenant: value }, /attributes\.tenant must be a string/);
      }
      for (const own of ["x", null, ["a"]]) refuses(own, /attributes must be an object/);
      assert.equal(registry.getMetricsAsArray().length, 0, "nothing was registered");
    });
  }

  it("the combinations of values are limited, because each has all series of a dialer", () => {
    const values = Array.from({ length: 11 }, (_, index) => `${index}`);
    assert.throws(() => withPrometheus({ registry, attributes: { one: values, two: values.slice(1) } }), {
      name: "RangeError",
      message: "withPrometheus: attributes must have at most 100 combinations of values, got 110",
    });
    assert.doesNotThrow(() => withPrometheus({ registry, attributes: { one: values.slice(1), two: values.slice(1) } }));
  });
});
