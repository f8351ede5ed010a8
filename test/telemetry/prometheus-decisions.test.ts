import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { Registry } from "prom-client";
import { breakerStates } from "../../src/core/event-values.ts";
import type { DialTrace } from "../../src/core/trace.ts";
import { traceOf } from "../../src/engine/tracker.ts";
import { compose, type Dialer, parseTarget } from "../../src/index.ts";
import { poolMetrics, withPrometheus } from "../../src/prometheus.ts";
import { connection } from "../support/contract.ts";
import { scrape } from "./exposition.ts";
import { me } from "./metered.ts";

describe("decisions of layers", () => {
  const [a, b, c] = [parseTarget("a:1"), parseTarget("b:1"), parseTarget("c:1")];
  /** A dialer whose base emits the events of `told` and returns a connection. */
  const played = (told: (trace: DialTrace) => void, endpoints?: readonly string[]) => {
    const registry = new Registry();
    const base: Dialer<Duplex> = async (_target, { trace = {} } = {}) => {
      told(trace);
      return connection();
    };
    return { registry, dial: compose(withPrometheus({ registry, ...(endpoints && { endpoints }) }), base) };
  };

  it("withPrometheus counts breaker states and transitions of all targets together", async () => {
    const { registry, dial } = played(({ breakerChange }) => {
      breakerChange?.({ target: a, state: "open", previous: "closed" });
      breakerChange?.({ target: b, state: "open", previous: "closed" });
      breakerChange?.({ target: a, state: "half_open", previous: "open" });
      breakerChange?.({ target: a, state: "closed", previous: "half_open" });
    });
    await dial("h:1");
    const { nonZero } = await scrape(registry);
    assert.deepEqual(nonZero("dialer_breaker_status"), [
      "dialer_breaker_state=open,dialer_endpoint= → 1",
      "dialer_breaker_state=closed,dialer_endpoint= → 1",
    ]);
    assert.deepEqual(nonZero("dialer_breaker_transitions_total"), [
      "dialer_breaker_state=open,dialer_endpoint= → 2",
      "dialer_breaker_state=half_open,dialer_endpoint= → 1",
      "dialer_breaker_state=closed,dialer_endpoint= → 1",
    ]);
  });

  it("withPrometheus separates the breakers of configured endpoints and starts them at zero", async () => {
    const { registry, dial } = played(
      ({ breakerChange }) => {
        for (const target of [a, b, c]) breakerChange?.({ target, state: "open", previous: "closed" });
      },
      ["a:1", "b:1"],
    );
    const before = await scrape(registry);
    for (const endpoint of ["a:1", "b:1", "_OTHER"]) {
      for (const state of breakerStates) {
        assert.equal(
          before.value("dialer_breaker_status", { ...me, dialer_endpoint: endpoint, dialer_breaker_state: state }),
          0,
        );
      }
    }
    await dial("h:1");
    assert.deepEqual((await scrape(registry)).nonZero("dialer_breaker_status").sort(), [
      "dialer_breaker_state=open,dialer_endpoint=_OTHER → 1",
      "dialer_breaker_state=open,dialer_endpoint=a:1 → 1",
      "dialer_breaker_state=open,dialer_endpoint=b:1 → 1",
    ]);
  });

  it("withPrometheus counts failovers by reason and records waits at limits", async () => {
    const { registry, dial } = played(({ failover, limitWait, startDelayed }) => {
      startDelayed?.({ target: a, delayMs: 250 });
      failover?.({ target: a, from: a, to: b, error: new Error("no"), reason: "refused" });
      limitWait?.({ target: a, limit: "rate", durationMs: 30, outcome: "success" });
      limitWait?.({ target: a, limit: "rate", durationMs: 20, outcome: "failure", reason: "timeout" });
      limitWait?.({ target: a, limit: "rate", durationMs: 10, outcome: "canceled" });
      limitWait?.({ target: a, limit: "rate", durationMs: 0, outcome: "failure", reason: "pool_exhausted" });
    });
    await dial("h:1");
    const { nonZero, value } = await scrape(registry);
    assert.equal(value("dialer_backoff_time_seconds_total", me), 0.25, "a wait before the first attempt counts too");
    assert.deepEqual(nonZero("dialer_failovers_total"), ["error_type=refused → 1"]);
    assert.deepEqual(nonZero("dialer_limit_wait_duration_seconds_count"), ["dialer_limit_type=rate → 2"]);
    assert.equal(value("dialer_limit_wait_duration_seconds_sum", { ...me, dialer_limit_type: "rate" }), 0.05);
  });

  it("withPrometheus counts a pool's idle connection as idle until it is acquired or closed", async () => {
    const registry = new Registry();
    poolMetrics({ registry });
    const dial = compose(withPrometheus({ registry }), async () => connection());
    const [kept, closed] = [await dial("h:1"), await dial("h:1")];
    const open = async () => {
      const { value } = await scrape(registry);
      return ["used", "idle"].map((state) =>
        value("dialer_connection_count", { ...me, dialer_connection_state: state }),
      );
    };
    assert.deepEqual(await open(), [2, 0]);
    for (const conn of [kept, kept, closed]) traceOf(conn)?.putIdleConn?.({ target: a, conn });
    assert.deepEqual(await open(), [0, 2]);
    closed.destroy();
    assert.deepEqual(await open(), [0, 1]);
    for (const reused of [true, true]) traceOf(kept)?.gotConn?.({ target: a, conn: kept, reused });
    assert.deepEqual(await open(), [1, 0]);
    kept.destroy();
    assert.deepEqual(await open(), [0, 0]);
  });
});
