import { type BackoffFunction, createBackoff, type Jitter } from "../async/backoff.ts";
import { returnedWait } from "../support/returned.ts";
import { checkDuration, checkFunction, checkOneOf, invalid } from "../support/validate.ts";

export interface WaitOptions {
  /**
   * How long a breaker stays open before it lets a probe through, in milliseconds: always the same, or
   * by a function of how many times in a row it has opened, from 1, and of the failure that did it.
   * @defaultValue 10 000, doubling with each probe that fails, up to 300 000
   */
  halfOpenAfterMs?: number | BackoffFunction | undefined;
  /**
   * How the wait is spread at random, so that clients that lost one server don't probe it all at once; as
   * in `withRetry`. @defaultValue `"equal"` (half of the wait and more), `"none"` for a number
   */
  jitter?: Jitter | undefined;
  /** Source of randomness, from 0 to below 1. For tests. @defaultValue `Math.random` */
  random?: (() => number) | undefined;
}

/**
 * Returns a maker of waits; one is used from the first opening until the breaker has closed. The default
 * grows as that of Finagle's failure accrual does, `Backoff.equalJittered(5.seconds, 300.seconds)`.
 *
 * @see https://twitter.github.io/finagle/guide/Clients.html#failure-accrual
 */
export function waitMaker({ halfOpenAfterMs, jitter, random }: WaitOptions): () => BackoffFunction {
  if (random !== undefined) checkFunction("withBreaker: random", random);
  if (jitter !== undefined) checkOneOf("withBreaker: jitter", jitter, ["none", "full", "equal", "decorrelated"]);
  if (typeof halfOpenAfterMs === "function") {
    if (jitter !== undefined) {
      throw invalid(TypeError, "withBreaker: jitter has no effect when halfOpenAfterMs is a function: leave it out");
    }
    return () => (attempt, error) =>
      returnedWait(`withBreaker: halfOpenAfterMs(${attempt}, error)`, halfOpenAfterMs(attempt, error));
  }
  if (halfOpenAfterMs === undefined) {
    const growing = { initialBackoffMs: 10_000, maxBackoffMs: 300_000, jitter: jitter ?? "equal", random };
    return createBackoff(growing, "withBreaker: ");
  }
  checkDuration("withBreaker: halfOpenAfterMs", halfOpenAfterMs);
  const fixed = { initialBackoffMs: halfOpenAfterMs, maxBackoffMs: halfOpenAfterMs };
  return createBackoff({ backoff: "constant", ...fixed, jitter: jitter ?? "none", random }, "withBreaker: ");
}
