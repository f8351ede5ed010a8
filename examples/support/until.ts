import { setTimeout as sleep } from "node:timers/promises";

/** Waits until `condition` holds; throws with `what` when it doesn't within ten seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(10);
  }
}
