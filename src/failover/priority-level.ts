import type { Endpoint } from "./target-status.ts";

/** The targets of one priority that may be dialed, in order. */
export interface PriorityLevel {
  readonly endpoints: readonly Endpoint[];
  /** Sums of the weights so far, where they differ. */
  readonly weightSums: readonly number[] | undefined;
}

/** A weight of 0 is "a very small chance" in RFC 2782. */
const leastWeight = 0.01;

/** Arranges targets by priority, the best first. */
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

/** A weight that may be divided by. */
export function shareOf({ weight }: Endpoint): number {
  return Math.max(weight, leastWeight);
}
