import { type BackoffFunction, type BackoffOptions, createBackoff } from "../core/backoff.ts";
import { classify } from "../core/classify.ts";
import { layer } from "../core/context.ts";
import type { Middleware } from "../core/dialer.ts";
import { DialError, messageOf } from "../core/errors.ts";
import { failed } from "../core/outcome.ts";
import { isRetryable, type Reason } from "../core/reasons.ts";
import { checkRetryBudget, type RetryBudget } from "../core/retry-budget.ts";
import { sleep } from "../core/sleep.ts";
import type { DialState } from "../core/state.ts";
import type { Target } from "../core/target.ts";
import type { ExhaustedCause } from "../core/trace.ts";
import { checkCount, checkFunction, checkOptions } from "../core/validate.ts";

export interface RetryOptions extends BackoffOptions {
  /** Attempts in all, the first included; `Infinity` goes on until the signal or a timeout above ends it. @defaultValue 4 */
  maxAttempts?: number | undefined;
  /**
   * Whether to try again after `error` ended the `attempt`-th try.
   * @defaultValue by the error's reason: yes unless a human must mend it (see the table of reasons)
   */
  shouldRetry?: ((error: unknown, attempt: number) => boolean) | undefined;
  /**
   * Bounds the retries of all the dialers that share it: see {@link retryBudget}. When it is spent, the dial
   * fails with the error of its last attempt. @defaultValue none
   */
  budget?: RetryBudget | undefined;
}

const knownOptions = [
  "maxAttempts",
  "shouldRetry",
  "budget",
  "backoff",
  "initialBackoffMs",
  "backoffMultiplier",
  "maxBackoffMs",
  "jitter",
  "random",
];

/**
 * Dials again when a dial beneath it fails, with a growing, jittered wait between. Layers below it see
 * each attempt, layers above it the whole. An abort ends a wait at once; aborted dials are not retried.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @throws DialError from the dial: of the last attempt, with all attempts that failed.
 * @example
 * const dial = compose(withRetry({ maxAttempts: 4, initialBackoffMs: 100, jitter: "full" }), tcp());
 */
export function withRetry(options: RetryOptions = {}): Middleware {
  checkOptions("withRetry", options, knownOptions);
  const { maxAttempts = 4, shouldRetry = defaultShouldRetry, budget, ...backoffOptions } = options;
  checkCount("withRetry: maxAttempts", maxAttempts);
  checkFunction("withRetry: shouldRetry", shouldRetry);
  if (budget !== undefined) checkRetryBudget("withRetry: budget", budget);
  const newBackoff = createBackoff(backoffOptions);

  return layer(
    (next) =>
      async function retryDialer(target, context) {
        const { cancel, trace, clock, state } = context;
        const inner = { ...context, insideRetry: true };
        let backoff: BackoffFunction | undefined;
        // Where retries nest, an attempt of the dial's that is not its first is a retry to those below, too.
        if (budget !== undefined && !state?.attempts && !cancel?.aborted) budget.deposit(clock);

        for (let attempt = 1; ; attempt += 1) {
          try {
            return await next(target, inner);
          } catch (thrown) {
            const ended = failed(thrown, cancel);
            if (ended.outcome === "canceled") throw ended.error;
            const { error, reason } = ended;
            const exhausted = (cause: ExhaustedCause) =>
              trace?.retryExhausted?.({ target, attempts: attempt, cause, error, reason });

            if (cancel?.aborted) {
              exhausted(reason === "timeout" ? "deadline" : "non_retryable");
              throw error;
            }
            if (attempt >= maxAttempts || !shouldRetry(error, attempt)) {
              exhausted(attempt >= maxAttempts ? "attempts" : "non_retryable");
              throw exhaustedError(error, reason, target, attempt, state);
            }
            backoff ??= newBackoff();
            const delayMs = backoff(attempt, error);
            const withdrawal = budget?.withdraw(clock);
            if (budget !== undefined && withdrawal === undefined) {
              exhausted("budget");
              throw exhaustedError(error, reason, target, attempt, state);
            }
            // The dial's own count: this layer's tries are not all of its attempts where retries nest.
            const made = state?.attempts || attempt;
            trace?.retryScheduled?.({ target, attempt: made + 1, delayMs, error, reason });
            try {
              await sleep(delayMs, clock, cancel);
            } catch (aborted) {
              withdrawal?.refund();
              if (failed(aborted, cancel).outcome === "failure") exhausted("deadline");
              throw aborted;
            }
          }
        }
      },
  );
}

function defaultShouldRetry(error: unknown, attempt: number): boolean {
  const reason = classify(error);
  return reason !== "canceled" && isRetryable(reason, attempt);
}

function exhaustedError(error: unknown, reason: Reason, target: Target, attempts: number, state?: DialState): unknown {
  if (attempts === 1) return error;
  const cause = error instanceof DialError && error.cause !== undefined ? error.cause : error;
  return new DialError(`dial ${target} failed after ${attempts} attempts: ${messageOf(cause)}`, {
    reason,
    target,
    cause,
    attempts: state && [...state.failures],
    attemptCount: state?.attempts,
  });
}
