import type { Target } from "../core/target.ts";
import type { PriorityLevel } from "./priority-level.ts";
import type { Candidate, Endpoint } from "./target-status.ts";

/** Second argument of a {@link PolicyFunction}. */
export interface PolicyContext {
  /** The target that the caller dials: the name of the service. */
  readonly target: Target;
  /** The `random` option of the layer. */
  readonly random: () => number;
}

/**
 * Picks one of `candidates`: the targets of the best priority that are neither ejected nor attempted by this dial; there
 * is always at least one. Called for each attempt that passes the layer.
 */
export type PolicyFunction = (candidates: readonly Candidate[], context: PolicyContext) => Candidate;

/** Third argument of a {@link Picker}. */
export interface PickerContext extends PolicyContext {
  readonly now: number;
}

/** Picks a target of `level` that is not in `tried`; returns `undefined` when all are. */
export type Picker = (
  level: PriorityLevel,
  tried: ReadonlySet<string> | undefined,
  context: PickerContext,
) => Endpoint | undefined;
