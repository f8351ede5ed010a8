import assert from "node:assert/strict";
import type { Tally } from "../bench/storm/tally.js";

/** A storm with all kinds of failures: refused while the server is down or its backlog is full, and timeouts in the backlog. */
export const setting = {
  clients: 1_000,
  server: { upAtMs: 1_500, perSecond: 300, backlog: 200, full: "refuse" as const },
  latencyMs: 10,
  timeoutMs: 500,
  untilMs: 12_000,
  seed: 7,
};

/** Asserts that both storms are identical: the same attempts at the same times. */
export function assertSame(real: Tally, simulated: Tally): void {
  assert.ok(simulated.wasted > 100, "the storm must have failed attempts, or nothing is compared");
  assert.equal(real.attempts, simulated.attempts);
  assert.deepEqual(real.perSecond(100), simulated.perSecond(100));
  assert.equal(real.returned, simulated.returned);
  assert.deepEqual(real.backTimes, simulated.backTimes);
}

/** Asserts that the figures of both storms differ by at most `share`. */
export function assertAlike(real: Tally, simulated: Tally, share: number): void {
  const figures = (tally: Tally) => ({
    attempts: tally.attempts,
    wasted: tally.wasted,
    halfBackMs: tally.untilBackMs(0.5),
    mostBackMs: tally.untilBackMs(0.95),
  });
  const others = figures(simulated);
  for (const [name, value] of Object.entries(figures(real))) {
    const other = others[name as keyof typeof others];
    assert.ok(Math.abs(value - other) <= share * other, `${name}: ${value} of real dialers, ${other} simulated`);
  }
}
