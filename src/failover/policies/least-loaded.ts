import type { Picker } from "../picker.ts";
import { shareOf } from "../priority-level.ts";
import type { Endpoint } from "../target-status.ts";
import { sampleUniform } from "./sample.ts";

/** Lower latencies count as this one, in milliseconds: a latency that has decayed to 0 must not hide the load. */
const minLatencyMs = 1;
/** Cost of a target without a measured latency while its first dial is in progress: it is the last choice. */
const unknownCost = Number.MAX_SAFE_INTEGER;

/**
 * Picks two targets at random and takes the one with the lower cost: peak-sensitive latency × (open connections + dials in
 * progress + this dial) ÷ weight. Two choices suffice: the worst target is never taken, and clients do not all go to the
 * best one.
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
  return (Math.max(latency.at(now), minLatencyMs) * (open + dialing + 1)) / shareOf(endpoint);
}
