import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "prom-client";
import { compose, parseTarget, tcp } from "../../src/index.ts";
import { type PoolMetricsOptions, poolMetrics, withPrometheus } from "../../src/prometheus.ts";
import { scrape } from "./exposition.ts";
import { noConn, playedPool } from "./pools.ts";

const target = parseTarget("db:5432");
const me = { dialer_name: "orders" };

function observedPool(options: { maxOpen?: number } = {}) {
  const registry = new Registry();
  const observer = poolMetrics({ registry, name: "orders" });
  return { registry, observer, ...playedPool([observer], options) };
}

describe("poolMetrics", () => {
  it("poolMetrics starts 49 series at zero, besides those of its dialer", async () => {
    const registry = new Registry();
    compose(withPrometheus({ registry, name: "orders" }), tcp());
    const { length: before } = (await scrape(registry)).samples;
    poolMetrics({ registry, name: "orders" });
    const { samples } = await scrape(registry);
    for (const { name, value } of samples) assert.equal(value, 0, name);
    // Two gauges, idle connections, two timeouts, five outcomes, seven reasons, two histograms of 14 buckets, +Inf, sum and count.
    assert.equal(samples.length - before, 2 + 1 + 2 + 5 + 7 + 2 * 17);
  });

  it("poolMetrics counts acquires and evictions, and records wait and use durations", async () => {
    const { registry, emit } = observedPool();
    emit("acquireDone", { target, outcome: "miss", waitMs: 20, conn: noConn });
    for (const waitMs of [0, 1]) emit("acquireDone", { target, outcome: "hit", waitMs, conn: noConn });
    emit("acquireDone", { target, outcome: "timeout", waitMs: 5000, error: new Error("full") });
    emit("acquireDone", { target, outcome: "canceled", waitMs: 7, error: new Error("enough") });
    emit("releaseDone", { target, conn: noConn, useMs: 40 });
    for (const reason of ["stale", "idle"] as const) emit("evicted", { target, conn: noConn, reason });
    const { nonZero, value } = await scrape(registry);
    assert.deepEqual(nonZero("dialer_pool_acquires_total"), [
      "dialer_pool_outcome=hit → 2",
      "dialer_pool_outcome=miss → 1",
      "dialer_pool_outcome=timeout → 1",
      "dialer_pool_outcome=canceled → 1",
    ]);
    assert.deepEqual(nonZero("dialer_pool_evictions_total"), [
      "dialer_pool_eviction_reason=idle → 1",
      "dialer_pool_eviction_reason=stale → 1",
    ]);
    assert.deepEqual(nonZero("dialer_timeouts_total"), [
      "dialer_timeout_scope=pool → 1",
      "dialer_timeout_scope=idle → 1",
    ]);
    assert.equal(
      value("dialer_pool_wait_duration_seconds_count", me),
      4,
      "timed-out waits are included, canceled waits are not",
    );
    assert.ok(Math.abs(value("dialer_pool_wait_duration_seconds_sum", me) - 5.021) < 1e-9);
    assert.equal(value("dialer_pool_use_duration_seconds_sum", me), 0.04);
  });

  it("poolMetrics adds up pending requests and limits of all open pools with its name", async () => {
    const { registry, observer, now, emit } = observedPool({ maxOpen: 10 });
    const other = playedPool([observer], { maxOpen: 3 });
    const shown = async () => {
      const { value } = await scrape(registry);
      return [value("dialer_pool_limit", me), value("dialer_pool_pending_requests", me)];
    };
    Object.assign(now, { waiting: 4, targets: 2 });
    Object.assign(other.now, { waiting: 1, targets: 1 });
    assert.deepEqual(await shown(), [23, 5]);
    Object.assign(now, { waiting: 0, targets: 1 });
    assert.deepEqual(await shown(), [13, 1]);
    emit("end");
    assert.deepEqual(await shown(), [3, 1]);
    other.emit("end");
    assert.deepEqual(await shown(), [0, 0]);
  });

  it("poolMetrics reports a limit of zero for an unlimited pool", async () => {
    const { registry, now } = observedPool({ maxOpen: Number.POSITIVE_INFINITY });
    now.targets = 2;
    assert.equal((await scrape(registry)).value("dialer_pool_limit", me), 0);
  });

  it("poolMetrics reports unknown label values as _OTHER", async () => {
    const { registry, emit } = observedPool();
    emit("acquireDone", { target, outcome: "made_up" as never, waitMs: 1 });
    emit("evicted", { target, conn: noConn, reason: "__proto__" as never });
    const { nonZero } = await scrape(registry);
    assert.deepEqual(nonZero("dialer_pool_acquires_total"), ["dialer_pool_outcome=_OTHER → 1"]);
    assert.deepEqual(nonZero("dialer_pool_evictions_total"), ["dialer_pool_eviction_reason=_OTHER → 1"]);
  });

  for (const [options, message] of [
    [undefined, /poolMetrics: options must be an object, got undefined/],
    [{ registry: {} }, /poolMetrics: registry must be a Registry of prom-client, got an object/],
    [{ registry: new Registry(), name: "" }, /poolMetrics: name must be a string of 1 to 128 characters, got ""/],
    [{ registry: new Registry(), pool: 1 }, /poolMetrics: unknown option pool; the options are registry, name/],
  ] as const) {
    it(`poolMetrics refuses invalid options with ${message.source}`, () => {
      assert.throws(() => poolMetrics(options as unknown as PoolMetricsOptions), { name: "TypeError", message });
    });
  }
});
