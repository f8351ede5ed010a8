import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

export interface MemoryUse {
  /** Memory of objects, including buffers outside V8's heap, in MiB. */
  readonly heldMiB: number;
  readonly rssMiB: number;
}

/** The memory in use after garbage collection. */
export async function memoryInUse(): Promise<MemoryUse> {
  for (let round = 0; round < 3; round += 1) {
    collectGarbage();
    // Objects released by finalizers are collected in the next round.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heldMiB: (heapUsed + external) / 2 ** 20, rssMiB: rss / 2 ** 20 };
}

/** Samples the memory in use every `intervalMs` milliseconds until it is stopped, and returns the samples. */
export async function watchMemory(intervalMs: number, signal: AbortSignal): Promise<MemoryUse[]> {
  const seen: MemoryUse[] = [];
  while (!signal.aborted) {
    seen.push(await memoryInUse());
    await sleep(intervalMs, undefined, { signal }).catch(() => {});
  }
  return seen;
}

/** Medians of the first third of `values`, and of the last. */
export function thirds(values: readonly number[]): [first: number, last: number] {
  const third = Math.ceil(values.length / 3);
  return [median(values.slice(0, third)), median(values.slice(-third))];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}
