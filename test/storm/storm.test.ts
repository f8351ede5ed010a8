import assert from "node:assert/strict";
import { test } from "node:test";
import { simulate } from "../bench/storm/simulate.js";
import { decorrelated, equal, exponential, fixed, full, nats } from "../bench/storm/strategies.js";

// The claims of src/retry/README.md about the defaults, with a fiftieth of the clients. The optimum is 20 s.
const clients = 2_000;
const storm = {
  clients,
  server: { upAtMs: 5_000, perSecond: 100, backlog: 10, full: "refuse" as const },
  latencyMs: 10,
  timeoutMs: 2_000,
  untilMs: 300_000,
  seed: 1,
};
const after = {
  fixed: simulate({ ...storm, strategy: fixed }),
  exponential: simulate({ ...storm, strategy: exponential }),
  equal: simulate({ ...storm, strategy: equal }),
  decorrelated: simulate({ ...storm, strategy: decorrelated }),
  full: simulate({ ...storm, strategy: full }),
  nats: simulate({ ...storm, strategy: nats }),
};

test("a storm without jitter keeps its clients synchronized, so that the server idles between bursts", () => {
  assert.ok(after.fixed.untilBackMs(1) > 150_000, `${after.fixed.untilBackMs(1)} ms`);
  assert.equal(after.exponential.untilBackMs(0.5), Number.POSITIVE_INFINITY);
  assert.ok(after.fixed.peaks.onceUp >= clients && after.exponential.peaks.onceUp >= clients * 0.95);
});

test("a storm with full jitter, the default of withRetry, ends within 1.5 times the optimum with a fifth of the attempts", () => {
  assert.ok(after.full.untilBackMs(1) < 30_000, `${after.full.untilBackMs(1)} ms`);
  assert.ok(after.full.attempts < after.fixed.attempts / 5, `${after.full.attempts} of ${after.fixed.attempts}`);
});

test("a storm with full jitter has the lowest peak after the restart, in about the shortest time", () => {
  for (const other of [after.equal, after.decorrelated]) {
    assert.ok(after.full.peaks.onceUp < 0.8 * other.peaks.onceUp, `${after.full.peaks.onceUp} ${other.peaks.onceUp}`);
    assert.ok(after.full.untilBackMs(0.99) < 1.05 * other.untilBackMs(0.99));
  }
});

test("a storm with the NATS default ends within 1.15 times the optimum, and its highest peak is the lowest", () => {
  assert.ok(after.nats.untilBackMs(1) < 22_800, `${after.nats.untilBackMs(1)} ms`);
  for (const other of [after.equal, after.decorrelated, after.full, after.exponential]) {
    assert.ok(after.nats.peaks.ever < 0.8 * other.peaks.ever, `${after.nats.peaks.ever} to ${other.peaks.ever}`);
  }
});

test("a storm is determined by its seed", () => {
  const again = simulate({ ...storm, strategy: full });
  assert.deepEqual(again.backTimes, after.full.backTimes);
  assert.deepEqual(again.perSecond(100), after.full.perSecond(100));
  const other = simulate({ ...storm, strategy: full, seed: 2 });
  assert.notDeepEqual(other.backTimes, after.full.backTimes);
});
