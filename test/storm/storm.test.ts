import assert from "node:assert/strict";
import { test } from "node:test";
import { simulate } from "../bench/storm/simulate.js";
import { decorrelated, equal, exponential, fixed, full, nats } from "../bench/storm/strategies.js";

// What the README says of the defaults, at a fiftieth of its clients. At best all are back after 20 s.
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

test("waits without jitter keep the herd together: the server stands idle between its visits", () => {
  assert.ok(after.fixed.untilBackMs(1) > 150_000, `${after.fixed.untilBackMs(1)} ms`);
  assert.equal(after.exponential.untilBackMs(0.5), Number.POSITIVE_INFINITY);
  assert.ok(after.fixed.peaks.onceUp >= clients && after.exponential.peaks.onceUp >= clients * 0.95);
});

test("with full jitter, withRetry's default, all are back within half as long again as at best, for a fifth of the attempts", () => {
  assert.ok(after.full.untilBackMs(1) < 30_000, `${after.full.untilBackMs(1)} ms`);
  assert.ok(after.full.attempts < after.fixed.attempts / 5, `${after.full.attempts} of ${after.fixed.attempts}`);
});

test("of the kinds of jitter, full asks least of a server that has come back, in about the least time", () => {
  for (const other of [after.equal, after.decorrelated]) {
    assert.ok(after.full.peaks.onceUp < 0.8 * other.peaks.onceUp, `${after.full.peaks.onceUp} ${other.peaks.onceUp}`);
    assert.ok(after.full.untilBackMs(0.99) < 1.05 * other.untilBackMs(0.99));
  }
});

test("by the NATS default all are back within an eighth longer than at best, and its first second is the lightest", () => {
  assert.ok(after.nats.untilBackMs(1) < 22_800, `${after.nats.untilBackMs(1)} ms`);
  for (const other of [after.equal, after.decorrelated, after.full, after.exponential]) {
    assert.ok(after.nats.peaks.ever < 0.8 * other.peaks.ever, `${after.nats.peaks.ever} to ${other.peaks.ever}`);
  }
});

test("a seed decides all of it", () => {
  const again = simulate({ ...storm, strategy: full });
  assert.deepEqual(again.backTimes, after.full.backTimes);
  assert.deepEqual(again.perSecond(100), after.full.perSecond(100));
  const other = simulate({ ...storm, strategy: full, seed: 2 });
  assert.notDeepEqual(other.backTimes, after.full.backTimes);
});
