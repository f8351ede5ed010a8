import { syncBuiltinESMExports } from "node:module";
import type { TestContext } from "node:test";
import timers from "node:timers/promises";

/**
 * Records the delays in milliseconds that clients sleep before their dials, until the test ends. Unlike measured times they do
 * not include pauses of the process.
 */
export function clientDelays(t: TestContext): number[] {
  const delays: number[] = [];
  const { setTimeout: sleep } = timers;
  const { mock } = t.mock.method(timers, "setTimeout", ((ms = 0, value, options) => {
    delays.push(ms);
    return sleep(ms, value, options);
  }) as typeof sleep);
  syncBuiltinESMExports();
  t.after(() => {
    mock.restore();
    syncBuiltinESMExports();
  });
  return delays;
}
