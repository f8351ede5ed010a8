import type { Picker } from "../picker.ts";
import { sampleUniform, sampleWeighted } from "./sample.ts";

/** Picks any target, with a probability proportional to its weight. */
export const random: Picker = (level, tried, context) =>
  level.weightSums === undefined
    ? sampleUniform(level, tried, context)
    : sampleWeighted(level, level.weightSums, tried, context);
