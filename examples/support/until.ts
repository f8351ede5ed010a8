import { setTimeout as sleep } from "node:timers/promises";

/** Waits until `condition` holds. Throws an error that names `what` after 30 seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`timed out waiting for ${what}`);
    await sleep(10);
  }
}
