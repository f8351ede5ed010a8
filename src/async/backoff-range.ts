import { type BackoffOptions, createBackoff } from "./backoff.ts";

/** The shortest and the longest backoff after each failure, in milliseconds. */
export interface BackoffRange {
  /** The shortest backoff after failure number `attempt`; 0 before the first attempt counts as the first failure. */
  min(attempt: number): number;
  /** The longest backoff after failure number `attempt`; `Infinity` if a function of the user decides. */
  max(attempt: number): number;
}

/**
 * Returns the range of the backoffs of one dial. Both ends are computed by the backoff itself, with the smallest and
 * the largest random numbers. They remember the previous backoff: call each once per failure, in order.
 */
export function backoffRange(options: BackoffOptions): BackoffRange {
  if (typeof options.backoff === "function") return { min: () => 0, max: () => Number.POSITIVE_INFINITY };
  const [least, greatest] = [0, 1].map((drawn) => createBackoff({ ...options, random: () => drawn })());
  return {
    min: (attempt) => least?.(attempt, undefined) ?? 0,
    max: (attempt) => greatest?.(attempt, undefined) ?? 0,
  };
}
