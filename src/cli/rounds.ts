import { Cancel } from "../async/cancel.ts";
import { systemClock } from "../async/clock.ts";
import { sleep } from "../async/sleep.ts";
import type { Probe } from "./facts.ts";
import type { Prober } from "./probe.ts";
import type { Repetition } from "./settings.ts";

/**
 * Dials all targets in rounds. A round starts an interval after the start of the one before, or when that has ended.
 *
 * @param ended - called when a dial has ended, with the index of its target.
 * @param interrupt - ends the dials and the wait.
 */
export async function runRounds(
  probers: readonly Prober[],
  { rounds, intervalMs }: Repetition,
  ended: (probe: Probe, index: number) => void,
  interrupt: AbortSignal,
): Promise<void> {
  for (let round = 1; !interrupt.aborted; round += 1) {
    const startedAt = systemClock.now();
    const dials = probers.map(async (prober, index) => ended(await prober.probe(false, interrupt), index));
    await Promise.all(dials);
    if (round >= rounds || interrupt.aborted) return;
    const leftMs = Math.max(0, startedAt + intervalMs - systemClock.now());
    await sleep(leftMs, systemClock, Cancel.of(interrupt)).catch(() => {});
  }
}
