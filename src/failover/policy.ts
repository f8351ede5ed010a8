import type { Picker, PolicyFunction } from "./picker.ts";
import { inOrder } from "./policies/in-order.ts";
import { leastLoaded } from "./policies/least-loaded.ts";
import { own } from "./policies/own.ts";
import { random } from "./policies/random.ts";
import { roundRobin } from "./policies/round-robin.ts";

/**
 * Picks the next target:
 *
 * - `in_order`: the first in the list
 * - `random`: any, by weight
 * - `round_robin`: each in turn, ignoring weights
 * - `least_loaded`: of two picked at random, the one with less latency × load ÷ weight
 * - a {@link PolicyFunction}: the one that it returns
 */
export type FailoverPolicy = "in_order" | "random" | "round_robin" | "least_loaded" | PolicyFunction;

/** Factories rather than pickers: a picker may have state, and each list of targets has its own. */
const builtIn: Readonly<Record<Extract<FailoverPolicy, string>, () => Picker>> = {
  in_order: () => inOrder,
  random: () => random,
  round_robin: roundRobin,
  least_loaded: () => leastLoaded,
};

/** Names of the built-in policies. */
export const policyNames = Object.keys(builtIn);

/** Makes the picker of a policy for one list of targets. */
export function pickerOf(policy: FailoverPolicy): Picker {
  return typeof policy === "function" ? own(policy) : builtIn[policy]();
}
