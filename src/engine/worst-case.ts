/** The most that one dial may cost. */
export interface Cost {
  /** Time in milliseconds until it ends; `Infinity` without a limit. */
  readonly timeMs: number;
  /** Calls of the base dialer; `Infinity` without a limit. */
  readonly attempts: number;
  /** Cost of a dial that ends with an open breaker; `undefined` if none can. */
  readonly rejected?: Cost | undefined;
}

/** Returns the worst case of the layers beneath, for a dial that has `withinMs` milliseconds until its deadline. */
export type CostOf = (withinMs: number) => Cost;

/** The cost of an unknown dialer: one call, of any duration. */
export const unknownCost: Cost = Object.freeze({ timeMs: Number.POSITIVE_INFINITY, attempts: 1 });

/** Limits the time of `cost`. */
export function within(cost: Cost, limitMs: number): Cost {
  const { timeMs, attempts, rejected } = cost;
  return { timeMs: Math.min(timeMs, limitMs), attempts, rejected: rejected && within(rejected, limitMs) };
}

/** Adds a wait to `cost`. */
export function delayed(cost: Cost, waitMs: number): Cost {
  const { timeMs, attempts, rejected } = cost;
  return { timeMs: timeMs + waitMs, attempts, rejected: rejected && delayed(rejected, waitMs) };
}

/** Returns the cost of `times` calls that each cost `cost`, followed by `last`. */
export function repeated(cost: Cost | undefined, times: number, last: Cost | undefined): Cost | undefined {
  if (last === undefined) return undefined;
  const before = cost === undefined || times <= 0 ? { timeMs: 0, attempts: 0 } : cost;
  return {
    timeMs: product(before.timeMs, times) + last.timeMs,
    attempts: product(before.attempts, times) + last.attempts,
  };
}

/** Returns the product of a cost and a count; 0 for no cost, even an endless number of times. */
export function product(cost: number, times: number): number {
  return cost === 0 || times === 0 ? 0 : cost * times;
}

/** Returns the maximum of each field. */
export function greater(one: Cost, other: Cost): Cost {
  return {
    timeMs: Math.max(one.timeMs, other.timeMs),
    attempts: Math.max(one.attempts, other.attempts),
    rejected: one.rejected && other.rejected ? greater(one.rejected, other.rejected) : (one.rejected ?? other.rejected),
  };
}
