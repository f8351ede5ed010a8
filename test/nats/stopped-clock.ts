import type { TestContext } from "node:test";
import { systemClock } from "../../src/async/clock.ts";
import { type FakeClock, fakeClock } from "../../src/testing.ts";

/**
 * Replaces the clock of the client and its dialer by one that the test advances, until the test ends. A timeout then expires
 * only when the test advances the clock, however long the process is paused. Sockets and the test's own timers are real.
 */
export function stoppedClock(t: TestContext): FakeClock {
  const clock = fakeClock();
  for (const method of ["now", "setTimeout", "clearTimeout"] as const) {
    t.mock.method(systemClock, method, clock[method] as never);
  }
  return clock;
}
