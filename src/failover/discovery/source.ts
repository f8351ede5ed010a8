import type { Clock } from "../../async/clock.ts";
import { parseTargetOf, type Target, type TargetLike } from "../../core/target.ts";
import { checkOptions, invalid, show } from "../../support/validate.ts";

/** A target with a priority and a weight, as in SRV records. */
export interface WeightedTarget {
  /** The target. */
  readonly target: TargetLike;
  /** Targets with a lower number are dialed first; the others only while all of these are ejected or attempted. @defaultValue 0 */
  readonly priority?: number | undefined;
  /** Relative share among targets of one priority, for the policies `random` and `least_loaded`, from 0 (hardly ever). @defaultValue 1 */
  readonly weight?: number | undefined;
}

/** Targets in order. A repeated target counts once, where it stands first. */
export type TargetList = readonly (TargetLike | WeightedTarget)[];

/** Argument of {@link Discovery.watch}. */
export interface DiscoveryContext {
  /** The clock of the dial that started discovery. */
  readonly clock: Clock;
  /** Aborts when discovery must end. */
  readonly signal: AbortSignal;
}

/**
 * Finds targets, as `dnsSrv()` and `dnsA()` do. Unlike a plain async iterable, it gets the clock of the dials and a signal
 * that ends it. See {@link Discover} for everything that the `discover` option accepts.
 */
export interface Discovery {
  /** Starts discovery. Yields the complete list, first and after every change. */
  watch(context: DiscoveryContext): AsyncIterable<TargetList>;
}

/** A source of target lists: a {@link Discovery}, or an async iterable of complete lists. */
export type TargetSource = Discovery | AsyncIterable<TargetList>;

/** The `discover` option: a source of target lists, or a function that returns one for each dialed target. */
export type Discover = TargetSource | ((target: Target) => TargetSource | Promise<TargetSource>);

/** A {@link WeightedTarget}, checked and with its defaults. */
export interface ListedTarget {
  readonly target: Target;
  readonly priority: number;
  readonly weight: number;
}

/**
 * Checks a list of targets and fills in the defaults.
 *
 * @throws TypeError or RangeError that names the wrong value.
 */
export function parseList(option: string, list: unknown): readonly ListedTarget[] {
  if (!Array.isArray(list)) throw invalid(TypeError, `${option} must be an array of targets, got ${show(list)}`);
  return (list as TargetList).map((entry) => {
    if (!isWeighted(entry)) {
      checkUnweighted(option, entry);
      return { target: parseTargetOf(option, entry), priority: 0, weight: 1 };
    }
    checkOptions<WeightedTarget>(`${option}: a weighted target`, entry, { target: true, priority: true, weight: true });
    const { priority = 0, weight = 1 } = entry;
    if (!Number.isFinite(priority)) {
      throw invalid(RangeError, `${option}: priority must be a number, got ${show(priority)}`);
    }
    if (typeof weight !== "number" || !(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw invalid(RangeError, `${option}: weight must be a number of at least 0, got ${show(weight)}`);
    }
    return { target: parseTargetOf(option, entry.target), priority, weight };
  });
}

/** Rejects a priority or weight next to host and port, where it would have no effect. */
function checkUnweighted(option: string, entry: TargetLike): void {
  if (typeof entry !== "object" || entry === null || !("priority" in entry || "weight" in entry)) return;
  throw invalid(TypeError, `${option}: priority and weight go next to target: { target: { host, port }, weight }`);
}

function isWeighted(entry: TargetLike | WeightedTarget): entry is WeightedTarget {
  return typeof entry === "object" && entry !== null && "target" in entry;
}
