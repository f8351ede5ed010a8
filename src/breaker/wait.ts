import { type BackoffFunction, createBackoff, type Jitter } from "../async/backoff.ts";
import { returnedWait } from "../support/returned.ts";
import { checkDuration, checkFunction, checkOneOf, invalid } from "../support/validate.ts";

/** Options of `withBreaker` for the time that a breaker stays open. */
export interface WaitOptions {
  /**
   * How long a breaker stays open before it admits a probe, in milliseconds: a number from 1, or a function of the
   * number of consecutive openings, from 1, and of the failure that opened it.
   * @defaultValue 10 000, doubling with each failed probe, up to 300 000
   */
  halfOpenAfterMs?: number | BackoffFunction | undefined;
  /**
   * Random variation of the wait, as in `withRetry`, so that clients that lost the same server do not probe it at the
   * same time. @defaultValue `"equal"` (from half of the wait to all of it); `"none"` when `halfOpenAfterMs` is a number
   */
  jitter?: Jitter | undefined;
  /** Source of random numbers from 0 to below 1, for tests. @defaultValue `Math.random` */
  random?: (() => number) | undefined;
}

/**
 * Checks the options. Returns a factory of backoffs: a breaker uses one from its first opening until it closes. The
 * default grows as that of Finagle's failure accrual, `Backoff.equalJittered(5.seconds, 300.seconds)`.
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
