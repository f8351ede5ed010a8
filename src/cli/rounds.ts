import { Cancel } from "../async/cancel.ts";
import { systemClock } from "../async/clock.ts";
import { sleep } from "../async/sleep.ts";
import type { Probe } from "./facts.ts";
import type { Prober } from "./probe.ts";
import type { Repetition } from "./settings.ts";

/**
 * Dials each target repeatedly. A dial starts one interval after the start of the previous dial, but not before that has
 * ended. A target that does not answer does not delay the others.
 *
 * @param ended - called when a dial has ended, with the index of its target.
 * @param interrupt - ends the dials and the wait.
 */
export async function runAll(
  probers: readonly Prober[],
  repetition: Repetition,
  ended: (probe: Probe, index: number) => void,
  interrupt: AbortSignal,
): Promise<void> {
  const all = probers.map((each, index) => runSeries(each, repetition, (probe) => ended(probe, index), interrupt));
  await Promise.all(all);
}

async function runSeries(
  prober: Prober,
  { rounds, intervalMs }: Repetition,
  ended: (probe: Probe) => void,
  interrupt: AbortSignal,
): Promise<void> {
  for (let round = 1; !interrupt.aborted; round += 1) {
    const startedAt = systemClock.now();
    ended(await prober.probe(false, interrupt));
    if (round >= rounds || interrupt.aborted) return;
    const leftMs = Math.max(0, startedAt + intervalMs - systemClock.now());
    await sleep(leftMs, systemClock, Cancel.of(interrupt)).catch(() => {});
  }
}
