import type { Endpoint } from "./target-status.ts";

/** The targets of one priority that may be dialed, in order. */
export interface Tier {
  readonly endpoints: readonly Endpoint[];
  /** Sums of the weights so far, where they differ. */
  readonly weightSums: readonly number[] | undefined;
}

/** A weight of 0 is "a very small chance" in RFC 2782. */
const leastWeight = 0.01;

/** Arranges targets by priority, the best first. */
export function tiersOf(endpoints: readonly Endpoint[]): readonly Tier[] {
  const byPriority = new Map<number, Endpoint[]>();
  for (const endpoint of endpoints) {
    const tier = byPriority.get(endpoint.priority);
    if (tier === undefined) byPriority.set(endpoint.priority, [endpoint]);
    else tier.push(endpoint);
  }
  return [...byPriority]
    .sort(([a], [b]) => a - b)
    .map(([, tier]) => ({ endpoints: tier, weightSums: weightSumsOf(tier) }));
}

function weightSumsOf(tier: readonly Endpoint[]): readonly number[] | undefined {
  const [first] = tier;
  if (tier.every(({ weight }) => weight === first?.weight)) return undefined;
  let sum = 0;
  return tier.map((endpoint) => {
    sum += shareOf(endpoint);
    return sum;
  });
}

/** A weight that may be divided by. */
export function shareOf({ weight }: Endpoint): number {
  return Math.max(weight, leastWeight);
}
