import type { Picker } from "../picker.ts";
import { shareOf } from "../priority-level.ts";
import type { Endpoint } from "../target-status.ts";
import { sampleUniform } from "./sample.ts";

/** Latencies below it are as good as one another, and what has decayed to nothing must not hide the load. */
const leastLatencyMs = 1;
/** A target that nothing is known of gets one dial to find out; until that is over it is the last choice. */
const unknownCost = Number.MAX_SAFE_INTEGER;

/**
 * Of two taken at random the one that costs less: peak-sensitive latency, times open connections and dials under way and this
 * one, by weight. Two are enough: the worst is never taken unless drawn against itself, and nobody herds to the best.
 *
 * @see https://www.eecs.harvard.edu/~michaelm/postscripts/handbook2001.pdf
 */
export const leastLoaded: Picker = (level, tried, context) => {
  const one = sampleUniform(level, tried, context);
  if (one === undefined || level.endpoints.length === 1) return one;
  const other = sampleUniform(level, tried, context, one);
  if (other === undefined) return one;
  return costOf(other, context.now) < costOf(one, context.now) ? other : one;
};

function costOf(endpoint: Endpoint, now: number): number {
  const { latency, open, dialing } = endpoint;
  if (!latency.measured) return dialing === 0 ? 0 : unknownCost + dialing;
  return (Math.max(latency.at(now), leastLatencyMs) * (open + dialing + 1)) / shareOf(endpoint);
}
