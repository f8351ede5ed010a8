import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "prom-client";
import { compose, recordDials, tcp } from "../../src/index.ts";
import { natsMetrics, poolMetrics } from "../../src/prometheus.ts";

test("compose rejects an observer in place of a middleware and names the place for it", () => {
  const registry = new Registry();
  const observers = [
    [recordDials(() => {}), /layer 1 must be a middleware, got an observer; put it in withTrace\(\)/],
    [natsMetrics({ registry }), /put it in the option trace of what it observes, clients/],
    [poolMetrics({ registry }), /put it in the option trace of what it observes, pools/],
  ] as const;
  for (const [observer, message] of observers) {
    assert.throws(() => compose(observer as never, tcp()), { code: "ERR_INVALID_OPTION", message });
  }
});
