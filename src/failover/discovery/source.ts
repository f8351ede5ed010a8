import type { Clock } from "../../async/clock.ts";
import { parseTarget, type Target, type TargetLike } from "../../core/target.ts";
import { checkOptions, invalid, show } from "../../support/validate.ts";

/** A target with its rank, after the fields of SRV records. */
export interface WeightedTarget {
  readonly target: TargetLike;
  /** Those of a lower number are dialed first; the others while none of these is left. @defaultValue 0 */
  readonly priority?: number | undefined;
  /** Share among those of one priority, for the policies `random` and `least_loaded`; 0 is next to none. @defaultValue 1 */
  readonly weight?: number | undefined;
}

/** Targets in order. One that is named twice counts once. */
export type TargetList = readonly (TargetLike | WeightedTarget)[];

/** What discovery runs in. */
export interface DiscoveryContext {
  /** Where time comes from: the clock of the dial that began it. */
  readonly clock: Clock;
  /** Aborts when discovery is to end. */
  readonly signal: AbortSignal;
}

/** Finds targets, and tells of each change with the whole list. */
export interface Discovery {
  watch(context: DiscoveryContext): AsyncIterable<TargetList>;
}

/** Where lists of targets come from: a discovery of this package, or the user's own iterable of lists. */
export type TargetSource = Discovery | AsyncIterable<TargetList>;

/** A {@link WeightedTarget}, checked and completed. */
export interface ListedTarget {
  readonly target: Target;
  readonly priority: number;
  readonly weight: number;
}

/**
 * Checks a list of targets.
 *
 * @throws TypeError or RangeError naming what is wrong.
 */
export function parseList(option: string, list: unknown): readonly ListedTarget[] {
  if (!Array.isArray(list)) throw invalid(TypeError, `${option} must be an array of targets, got ${show(list)}`);
  return (list as TargetList).map((entry) => {
    if (!isWeighted(entry)) {
      checkUnweighted(option, entry);
      return { target: parseTarget(entry), priority: 0, weight: 1 };
    }
    checkOptions<WeightedTarget>(`${option}: a weighted target`, entry, { target: true, priority: true, weight: true });
    const { priority = 0, weight = 1 } = entry;
    if (!Number.isFinite(priority)) {
      throw invalid(RangeError, `${option}: priority must be a number, got ${show(priority)}`);
    }
    if (typeof weight !== "number" || !(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw invalid(RangeError, `${option}: weight must be a number of at least 0, got ${show(weight)}`);
    }
    return { target: parseTarget(entry.target), priority, weight };
  });
}

/** A weight beside host and port would not be seen. */
function checkUnweighted(option: string, entry: TargetLike): void {
  if (typeof entry !== "object" || entry === null || !("priority" in entry || "weight" in entry)) return;
  throw invalid(TypeError, `${option}: priority and weight stand beside target: { target: { host, port }, weight }`);
}

function isWeighted(entry: TargetLike | WeightedTarget): entry is WeightedTarget {
  return typeof entry === "object" && entry !== null && "target" in entry;
}
