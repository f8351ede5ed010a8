import type { Endpoint } from "./target-status.ts";

/** The available targets of one priority, in order. */
export interface PriorityLevel {
  readonly endpoints: readonly Endpoint[];
  /** Running sums of the weights; absent when all weights are equal. */
  readonly weightSums: readonly number[] | undefined;
}

/** Weight that stands for 0, which means "a very small chance" in RFC 2782. */
const minWeight = 0.01;

/** Groups targets by priority, best first. */
export function priorityLevelsOf(endpoints: readonly Endpoint[]): readonly PriorityLevel[] {
  const byPriority = new Map<number, Endpoint[]>();
  for (const endpoint of endpoints) {
    const level = byPriority.get(endpoint.priority);
    if (level === undefined) byPriority.set(endpoint.priority, [endpoint]);
    else level.push(endpoint);
  }
  return [...byPriority]
    .sort(([a], [b]) => a - b)
    .map(([, level]) => ({ endpoints: level, weightSums: weightSumsOf(level) }));
}

function weightSumsOf(level: readonly Endpoint[]): readonly number[] | undefined {
  const [first] = level;
  if (level.every(({ weight }) => weight === first?.weight)) return undefined;
  let sum = 0;
  return level.map((endpoint) => {
    sum += shareOf(endpoint);
    return sum;
  });
}

/** Returns the weight as a positive number. */
export function shareOf({ weight }: Endpoint): number {
  return Math.max(weight, minWeight);
}
