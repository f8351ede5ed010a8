import assert from "node:assert/strict";
import { once } from "node:events";
import { Socket } from "node:net";
import { describe, it } from "node:test";
import {
  register as defaultRegistry,
  Gauge,
  openMetricsContentType,
  prometheusContentType,
  Registry,
} from "prom-client";
import { compose, DialError, type Dialer, parseTarget, tcp, withRetry } from "../../src/index.ts";
import { natsMetrics, poolMetrics, withPrometheus } from "../../src/prometheus.ts";
import type { Instrument } from "../../src/telemetry/instrument.ts";
import { instruments } from "../../src/telemetry/instruments.ts";
import { prometheusName } from "../../src/telemetry/prometheus-name.ts";
import { scriptedDialer } from "../../src/testing.ts";
import { freePort, goodPeer } from "../support/peers.ts";
import { type Sample, scrape } from "./exposition.ts";
import { assertInvariant, me, observed } from "./metered.ts";

describe("several dialers in one registry", () => {
  it("withPrometheus separates dialers by name", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const orders = compose(withPrometheus({ registry, name: "orders" }), tcp());
    const stock = compose(withPrometheus({ registry, name: 'st"o\\c\nk' }), tcp());
    const conns = [await orders(server.address), await orders(server.address), await stock(server.address)];
    const { value } = await scrape(registry);
    assert.equal(value("dialer_connection_established_total", { dialer_name: "orders" }), 2);
    assert.equal(value("dialer_connection_established_total", { dialer_name: 'st"o\\c\nk' }), 1);
    for (const conn of conns) conn.destroy();
  });

  it("withPrometheus shares series between dialers with the same name and resets none", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const first = compose(withPrometheus({ registry, goConntrack: true }), tcp());
    const conn = await first(server.address);
    await assert.rejects(first(`127.0.0.1:${await freePort()}`));
    const before = (await scrape(registry)).text;
    const second = compose(withPrometheus({ registry, goConntrack: true }), tcp());
    assert.equal((await scrape(registry)).text, before);
    const other = await second(server.address);
    const { value } = await scrape(registry);
    assert.equal(value("dialer_dial_duration_seconds_count", { ...me, error_type: "" }), 2);
    assert.equal(value("dialer_connection_count", { ...me, dialer_connection_state: "used" }), 2);
    assert.equal(value("net_conntrack_dialer_conn_established_total", me), 2);
    conn.destroy();
    other.destroy();
    assert.equal(
      (await scrape(registry)).value("dialer_connection_count", { ...me, dialer_connection_state: "used" }),
      0,
    );
  });

  it("withPrometheus at two layers of a dialer measures what is beneath each", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const layer = (name: string) => withPrometheus({ registry, name });
    const fails = scriptedDialer([new Error("no")]);
    let calls = 0;
    const base = tcp();
    const flaky: Dialer = (target, options) => (++calls < 3 ? (fails(target) as never) : base(target, options));
    const dial = compose(layer("outer"), withRetry({ initialBackoffMs: 0 }), layer("inner"), flaky);
    const conn = await dial(server.address);
    const { value, samples } = await scrape(registry);
    const dials = (name: string, error_type: string) =>
      value("dialer_dial_duration_seconds_count", { dialer_name: name, error_type });
    assert.equal(dials("outer", ""), 1);
    assert.equal(dials("inner", ""), 1);
    assert.equal(dials("inner", "_OTHER"), 2);
    for (const name of ["outer", "inner"])
      assert.equal(value("dialer_attempt_started_total", { dialer_name: name }), 3);
    assert.equal(value("dialer_retry_scheduled_total", { dialer_name: "outer", error_type: "_OTHER" }), 2);
    assert.ok(samples.every(({ name, labels }) => !name.startsWith("dialer_retry_") || labels.dialer_name === "outer"));
    conn.destroy();
  });
});

describe("registries", () => {
  it("withPrometheus accepts prom-client's default registry", async () => {
    await using server = await goodPeer();
    const dial = compose(withPrometheus({ registry: defaultRegistry }), tcp());
    (await dial(server.address)).destroy();
    assert.equal((await scrape(defaultRegistry)).value("dialer_connection_established_total", me), 1);
    defaultRegistry.clear();
  });

  it("withPrometheus accepts an OpenMetrics registry with default labels", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    registry.setContentType(openMetricsContentType as never);
    registry.setDefaultLabels({ app: "shop" });
    const dial = compose(withPrometheus({ registry }), tcp());
    (await dial(server.address)).destroy();
    const { text, value } = await scrape(registry);
    assert.ok(text.endsWith("# EOF\n"));
    assert.equal(value("dialer_connection_established_total", { ...me, app: "shop" }), 1);
    assert.equal(value("dialer_connection_closed_total", { ...me, app: "shop", dialer_close_reason: "local" }), 1);
  });

  for (const type of [prometheusContentType, openMetricsContentType]) {
    it(`withPrometheus reports the next dial after its registry was cleared, from zero, as ${type.split(";")[0]}`, async () => {
      await using server = await goodPeer();
      const registry = new Registry();
      registry.setContentType(type as never);
      const dial = compose(withPrometheus({ registry, goConntrack: true }), tcp());
      const open = await dial(server.address);
      (await dial(server.address)).destroy();
      await assert.rejects(dial(`127.0.0.1:${await freePort()}`));
      const before = await scrape(registry);
      registry.clear();
      assert.equal((await scrape(registry)).samples.length, 0);

      (await dial(server.address)).destroy();
      const after = await scrape(registry);
      assert.deepEqual([...after.families.keys()], [...before.families.keys()]);
      assertInvariant(after);
      assert.equal(after.value("dialer_connection_established_total", me), 1);
      assert.equal(after.value("dialer_attempt_failed_total", { ...me, error_type: "refused" }), 0);
      assert.equal(after.value("dialer_dial_duration_seconds_count", { ...me, error_type: "" }), 1);
      assert.equal(after.value("dialer_connection_count", { ...me, dialer_connection_state: "used" }), 1, "still open");
      assert.equal(after.value("net_conntrack_dialer_conn_attempted_total", me), 1);
      open.destroy();
      assert.equal(
        (await scrape(registry)).value("dialer_connection_closed_total", { ...me, dialer_close_reason: "local" }),
        2,
      );
    });
  }

  it("a dialer that is created after its registry was cleared starts at zero and shares the metrics of the others", async () => {
    await using server = await goodPeer();
    const registry = new Registry();
    const dial = compose(withPrometheus({ registry }), tcp());
    (await dial(server.address)).destroy();
    registry.clear();
    const anew = compose(withPrometheus({ registry }), tcp());
    assert.equal((await scrape(registry)).value("dialer_connection_established_total", me), 0);
    (await anew(server.address)).destroy();
    (await dial(server.address)).destroy();
    assert.equal((await scrape(registry)).value("dialer_connection_established_total", me), 2);
  });

  it("a single metric that the application removes from the registry stays away", async () => {
    await using server = await goodPeer();
    for (const name of ["dialer_dial_duration_seconds", "dialer_connection_io_bytes_total"]) {
      const { registry, dial } = observed(tcp());
      registry.removeSingleMetric(name);
      (await dial(server.address)).destroy();
      const { families, value } = await scrape(registry);
      assert.ok(!families.has(name));
      assert.equal(value("dialer_connection_established_total", me), 1);
    }
  });

  it("every factory refuses a registry with a metric of another library under one of its names, and names it", () => {
    for (const [factory, name] of [
      [withPrometheus, "dialer_dial_active"],
      [withPrometheus, "dialer_limit_wait_duration_seconds"],
      [poolMetrics, "dialer_pool_acquires_total"],
      [natsMetrics, "nats_client_errors_total"],
      [withPrometheus, "net_conntrack_dialer_conn_failed_total"],
    ] as const) {
      const registry = new Registry();
      new Gauge({ name, help: "of another library", registers: [registry] });
      const options = { registry, ...(name.startsWith("net_") && { goConntrack: true }) };
      assert.throws(() => factory(options), {
        name: "TypeError",
        message: `${factory.name}: registry already has a metric ${name} of another library; remove it, or use another registry`,
      });
      assert.equal(registry.getMetricsAsArray().length, 1, "nothing was registered");
    }
  });

  it("a metric that another library registers after the registry was cleared is a warning that names it, once", async () => {
    const registry = new Registry();
    const dial = compose(withPrometheus({ registry }), scriptedDialer());
    registry.clear();
    const name = "dialer_dial_failed_total";
    new Gauge({ name, help: "of another library", registers: [registry] });
    const warned = once(process, "warning");
    for (let count = 0; count < 3; count += 1) (await dial("h:1")).destroy();
    const [{ detail }] = await warned;
    assert.match(detail, new RegExp(`registry already has a metric ${name} of another library`));
    const { value, families } = await scrape(registry);
    assert.equal(families.get(name)?.help, "of another library");
    assert.equal(value("dialer_connection_established_total", me), 3);
  });

  it("a merged registry shows the metrics of its parts, and a dialer on it counts in them", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(tcp());
    const merged = Registry.merge([registry]);
    const other = compose(withPrometheus({ registry: merged }), tcp());
    (await dial(server.address)).destroy();
    (await other(server.address)).destroy();
    for (const each of [registry, merged]) {
      assert.equal((await scrape(each)).value("dialer_connection_established_total", me), 2);
    }
  });

  it("withPrometheus restarts counters and keeps gauges when its registry is reset", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(tcp());
    const conns = [await dial(server.address), await dial(server.address)];
    registry.resetMetrics();
    const gauge = async () =>
      (await scrape(registry)).value("dialer_connection_count", { ...me, dialer_connection_state: "used" });
    assert.equal(await gauge(), 2, "the connections are still open");
    conns[0]?.destroy();
    assert.equal(await gauge(), 1);
    conns[1]?.destroy();
    assert.equal(await gauge(), 0);
    (await dial(server.address)).destroy();
    const { value } = await scrape(registry);
    assert.equal(value("dialer_connection_established_total", me), 1);
    assert.equal(value("dialer_connection_closed_total", { ...me, dialer_close_reason: "local" }), 3);
    assert.equal(value("dialer_dial_duration_seconds_count", { ...me, error_type: "" }), 1);
  });

  it("withPrometheus exposes only known label values and nothing of the target", async () => {
    await using server = await goodPeer();
    const { registry, dial } = observed(withRetry({ initialBackoffMs: 0, maxAttempts: 2 }), tcp());
    (await dial(`localhost:${server.port}`)).destroy();
    await assert.rejects(dial(`127.0.0.1:${await freePort()}`));
    await assert.rejects(dial("unix:/nonexistent/secret.sock"));
    const odd = Object.assign(new Error("ECONNREFUSED 10.1.2.3:4222"), { code: "EODD" });
    const failing = compose(withPrometheus({ registry }), (async () => {
      throw odd;
    }) as Dialer);
    await assert.rejects(failing("10.1.2.3:4222"));
    assertClosedSets((await scrape(registry)).samples);
  });

  it("withPrometheus reports an unknown reason as _OTHER", async () => {
    const { registry, dial } = observed((async () => {
      throw new DialError("adapted", { reason: "made_up" as never });
    }) as Dialer);
    await assert.rejects(dial("db:1"));
    const scraped = await scrape(registry);
    assertClosedSets(scraped.samples);
    assertInvariant(scraped);
    assert.equal(scraped.value("dialer_attempt_failed_total", { ...me, error_type: "_OTHER" }), 1);
    assert.equal(scraped.value("dialer_dial_duration_seconds_count", { ...me, error_type: "_OTHER" }), 1);
  });

  for (const made of ["made_up", "constructor", "__proto__", "10.1.2.3:4222", undefined] as never[]) {
    it(`withPrometheus reports ${made} as _OTHER for every label`, async () => {
      const { registry, dial } = observed((async (_target, { trace } = {}) => {
        const target = parseTarget("db:1");
        const failed = { durationMs: 1, outcome: "failure", reason: made ?? ("nothing" as never) } as const;
        trace?.connectDone?.({ address: { address: "10.1.2.3", port: 1, family: made }, ...failed });
        trace?.connectDone?.({
          address: { address: "10.1.2.3", port: 1, family: "ipv4" },
          durationMs: 1,
          outcome: made,
        });
        trace?.retryScheduled?.({ target, attempt: 2, delayMs: 1, error: undefined, reason: made });
        trace?.retryExhausted?.({ target, attempts: 2, cause: made, error: undefined, reason: "refused" });
        trace?.timeout?.({ target, scope: made, timeoutMs: 1 });
        trace?.failover?.({ target, from: target, to: target, error: undefined, reason: made });
        trace?.breakerChange?.({ target, state: made, previous: "closed" });
        trace?.limitWait?.({ target, limit: made, durationMs: 1, outcome: "success" });
        const conn = new Socket();
        trace?.connClosed?.({ target, conn, reason: made, durationMs: 1, bytesRead: 0, bytesWritten: 0 });
        return conn;
      }) as Dialer);
      (await dial("db:1")).destroy();
      const scraped = await scrape(registry);
      assertClosedSets(scraped.samples);
      const seen = (metric: string) => scraped.nonZero(`dialer_${metric}_total`);
      assert.deepEqual(seen("connect_done"), [
        "dialer_outcome=failure,network_transport=_OTHER,network_type=_OTHER → 1",
        "dialer_outcome=_OTHER,network_transport=tcp,network_type=ipv4 → 1",
      ]);
      assert.deepEqual(seen("retry_scheduled"), ["error_type=_OTHER → 1"]);
      assert.deepEqual(seen("retry_exhausted"), ["dialer_retry_cause=_OTHER → 1"]);
      assert.deepEqual(seen("timeouts"), ["dialer_timeout_scope=_OTHER → 1"]);
      assert.deepEqual(seen("connection_closed"), ["dialer_close_reason=local → 1", "dialer_close_reason=_OTHER → 1"]);
      assert.deepEqual(seen("failovers"), ["error_type=_OTHER → 1"]);
      assert.deepEqual(seen("breaker_transitions"), ["dialer_breaker_state=_OTHER,dialer_endpoint= → 1"]);
      assert.equal(
        scraped.value("dialer_limit_wait_duration_seconds_count", { ...me, dialer_limit_type: "_OTHER" }),
        1,
      );
    });
  }

  function assertClosedSets(samples: readonly Sample[]): void {
    const rows: Instrument[] = Object.values(instruments);
    for (const { name, labels } of samples) {
      const row = rows.find(
        (each) => name.replace(/_(bucket|sum|count)$/, "") === prometheusName(each) || name === prometheusName(each),
      );
      for (const [label, value] of Object.entries(labels)) {
        if (label === "dialer_name" || label === "le") continue;
        if (value === "") continue; // Prometheus treats it as absent.
        const allowed = Object.entries(row?.labels ?? {}).find(([each]) => each.replaceAll(".", "_") === label)?.[1];
        assert.ok(allowed?.includes(value) || value === "_OTHER", `${name} ${label}=${value}`);
      }
    }
  }
});
