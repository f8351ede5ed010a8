import { wrongReturn } from "../../support/returned.ts";
import type { Picker, PolicyFunction } from "../picker.ts";
import type { Endpoint } from "../target-status.ts";

/** Calls a user's policy. Only a user's policy needs a new list, without the attempted targets. */
export function own(policy: PolicyFunction): Picker {
  return ({ endpoints }, tried, { target, random }) => {
    const candidates = tried === undefined ? endpoints : endpoints.filter(({ key }) => !tried.has(key));
    if (candidates.length === 0) return undefined;
    // A copy: a policy may sort or shift what it is given.
    const picked = policy([...candidates], { target, random });
    if (!candidates.includes(picked as Endpoint)) {
      throw wrongReturn("withFailover: policy", "must return one of the candidates", picked);
    }
    return picked as Endpoint;
  };
}
