import type { PickerContext } from "../picker.ts";
import { type PriorityLevel, shareOf } from "../priority-level.ts";
import type { Endpoint } from "../target-status.ts";

/** Random draws before the remaining targets are listed instead. */
const maxDraws = 4;

/** Picks a target of `level` at random, uniformly, that is neither in `tried` nor `except`. */
export function sampleUniform(
  { endpoints }: PriorityLevel,
  tried: ReadonlySet<string> | undefined,
  { random }: PickerContext,
  except?: Endpoint,
): Endpoint | undefined {
  for (let draw = 0; draw < maxDraws; draw += 1) {
    const drawn = endpoints[Math.floor(random() * endpoints.length)];
    if (drawn !== undefined && drawn !== except && !tried?.has(drawn.key)) return drawn;
  }
  const left = endpoints.filter((each) => each !== except && !tried?.has(each.key));
  return left[Math.floor(random() * left.length)];
}

/** Picks a target of `level` at random, by weight, that is not in `tried`. */
export function sampleWeighted(
  { endpoints }: PriorityLevel,
  weightSums: readonly number[],
  tried: ReadonlySet<string> | undefined,
  { random }: PickerContext,
): Endpoint | undefined {
  for (let draw = 0; draw < maxDraws; draw += 1) {
    const drawn = endpoints[indexAbove(weightSums, random() * (weightSums.at(-1) ?? 0))];
    if (drawn !== undefined && !tried?.has(drawn.key)) return drawn;
  }
  const left = endpoints.filter(({ key }) => !tried?.has(key));
  let rest = random() * left.reduce((sum, each) => sum + shareOf(each), 0);
  return left.find((each) => {
    rest -= shareOf(each);
    return rest < 0;
  });
}

/** Returns the index of the first sum above `value`, by binary search. */
function indexAbove(sums: readonly number[], value: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sums[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
