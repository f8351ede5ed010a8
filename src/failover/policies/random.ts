import type { Picker } from "../picker.ts";
import { sampleUniform, sampleWeighted } from "./sample.ts";

/** Any, each as likely as its weight says. */
export const random: Picker = (level, tried, context) =>
  level.weightSums === undefined
    ? sampleUniform(level, tried, context)
    : sampleWeighted(level, level.weightSums, tried, context);
