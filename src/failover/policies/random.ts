import type { Pick } from "../picker.ts";
import { sampleUniform, sampleWeighted } from "./sample.ts";

/** Any, each as likely as its weight says. */
export const random: Pick = (tier, tried, context) =>
  tier.weightSums === undefined
    ? sampleUniform(tier, tried, context)
    : sampleWeighted(tier, tier.weightSums, tried, context);
