import type { Target } from "../core/target.ts";
import type { PriorityLevel } from "./priority-level.ts";
import type { Candidate, Endpoint } from "./target-status.ts";

/** What a policy of the user's own is told. */
export interface PolicyContext {
  /** What the caller dials. */
  readonly target: Target;
  /** The source of randomness that the layer was given. */
  readonly random: () => number;
}

/**
 * Picks one of `candidates`: targets of the best priority that are not ejected and that the dial has not tried yet.
 * There is always at least one. Called once for each dial that passes the layer.
 */
export type PolicyFunction = (candidates: readonly Candidate[], context: PolicyContext) => Candidate;

/** What decides about one dial. */
export interface PickerContext extends PolicyContext {
  readonly now: number;
}

/** Picks a target of `level` that is not in `tried`; none when all are. */
export type Picker = (
  level: PriorityLevel,
  tried: ReadonlySet<string> | undefined,
  context: PickerContext,
) => Endpoint | undefined;
