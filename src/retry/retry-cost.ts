import type { BackoffRange } from "../async/backoff-range.ts";
import { type Cost, type CostOf, product, repeated, within } from "../engine/worst-case.ts";

/** What the worst case of retries depends on. */
interface RetryPlan {
  readonly maxAttempts: number;
  readonly backoffBeforeFirst: boolean;
  readonly backoff: BackoffRange;
}

/** Attempts that are computed one by one; later ones are taken to cost as much as the last of them. */
const maxComputed = 1_000;

/**
 * Returns the worst case of a dial with retries. An attempt may fail at any time until its own worst case. An attempt
 * that can start before the deadline counts: it does if all earlier ones fail at once, after the shortest backoffs. The
 * result is exact unless retries nest beneath a deadline; it is an upper bound then.
 */
export function retryCost(plan: RetryPlan, beneath: CostOf, withinMs: number): Cost {
  const { maxAttempts, backoffBeforeFirst, backoff } = plan;
  const longest = beneath(withinMs);
  let earliestStart = backoffBeforeFirst ? backoff.min(0) : 0;
  let latestEnd = backoffBeforeFirst ? Math.min(backoff.max(0), withinMs) : 0;
  if (earliestStart >= withinMs) return { timeMs: withinMs, attempts: 0 };
  let attempts = 0;
  let made = 0;
  let [shortestMs, longestMs] = [0, 0];
  while (made < maxAttempts && made < maxComputed) {
    if (made > 0) {
      [shortestMs, longestMs] = [backoff.min(made), Math.min(backoff.max(made), withinMs)];
      if (earliestStart + shortestMs >= withinMs) break;
      earliestStart += shortestMs;
      latestEnd += longestMs;
    }
    made += 1;
    latestEnd += longest.timeMs;
    attempts += beneath(withinMs - earliestStart).attempts;
  }
  if (made === maxComputed) {
    const fitting =
      shortestMs === 0 ? Number.POSITIVE_INFINITY : Math.ceil((withinMs - earliestStart) / shortestMs) - 1;
    const more = Math.max(0, Math.min(maxAttempts - made, fitting));
    latestEnd += product(longest.timeMs + longestMs, more);
    attempts += product(beneath(withinMs - earliestStart).attempts, more);
    made += more;
  }
  return within({ timeMs: latestEnd, attempts, rejected: rejectedCost(longest, latestEnd, attempts) }, withinMs);
}

/** The last attempt is rejected by a breaker; those before have failed. */
function rejectedCost(attempt: Cost, timeMs: number, attempts: number): Cost | undefined {
  if (attempt.rejected === undefined) return undefined;
  const before = { timeMs: less(timeMs, attempt.timeMs), attempts: less(attempts, attempt.attempts) };
  return repeated(before, 1, attempt.rejected);
}

function less(total: number, last: number): number {
  return total === Number.POSITIVE_INFINITY ? total : total - last;
}
