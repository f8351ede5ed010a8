import type { Picker, PolicyFunction } from "./picker.ts";
import { inOrder } from "./policies/in-order.ts";
import { leastLoaded } from "./policies/least-loaded.ts";
import { own } from "./policies/own.ts";
import { random } from "./policies/random.ts";
import { roundRobin } from "./policies/round-robin.ts";

/**
 * Which target is dialed next. `in_order`: the first in the list; `random`: any, by weight; `round_robin`: each
 * in its turn, without weights; `least_loaded`: of two taken at random the one with less latency times load.
 */
export type FailoverPolicy = "in_order" | "random" | "round_robin" | "least_loaded" | PolicyFunction;

/** Makers, for some remember what they picked: each list of targets has a policy of its own. */
const builtIn: Readonly<Record<Extract<FailoverPolicy, string>, () => Picker>> = {
  in_order: () => inOrder,
  random: () => random,
  round_robin: roundRobin,
  least_loaded: () => leastLoaded,
};

export const policyNames = Object.keys(builtIn);

export function pickerOf(policy: FailoverPolicy): Picker {
  return typeof policy === "function" ? own(policy) : builtIn[policy]();
}
