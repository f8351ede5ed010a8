import { type BackoffFunction, type BackoffOptions, createBackoff } from "../async/backoff.ts";
import { sleep } from "../async/sleep.ts";
import { classify } from "../core/classify.ts";
import type { Middleware, RetryPredicate } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { ExhaustedCause } from "../core/event-values.ts";
import { isRetryable, type Reason } from "../core/reasons.ts";
import type { Target } from "../core/target.ts";
import { layer } from "../engine/context.ts";
import { type DialOverrides, withoutRetryOverrides } from "../engine/dial-overrides.ts";
import type { DialState } from "../engine/dial-state.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { messageOf } from "../support/message.ts";
import { markFactories } from "../support/roles.ts";
import { notify } from "../support/user-call.ts";
import { checkBoolean, checkCount, checkFunction, checkOptions, type OptionNames } from "../support/validate.ts";
import { checkRetryBudget, type RetryBudget, returnedNothing, returnedWithdrawal } from "./retry-budget.ts";
import { verdictOf } from "./verdict.ts";

export interface RetryOptions extends BackoffOptions {
  /** Attempts in all, the first included; `Infinity` goes on until the signal or a timeout above ends it. @defaultValue 4 */
  maxAttempts?: number | undefined;
  /**
   * Whether to try again after `error` ended the `attempt`-th try; may be async.
   * @defaultValue by the error's reason: yes unless a human must mend it (see the table of reasons)
   */
  shouldRetry?: RetryPredicate | undefined;
  /**
   * Bounds the retries of all the dialers that share it: see {@link retryBudget}. When it is spent, the dial
   * fails with the error of its last attempt. @defaultValue none
   */
  budget?: RetryBudget | undefined;
  /**
   * Whether to wait before the first attempt, too, so that what starts at once doesn't dial at once: as after a
   * first failure, or what `backoff(0, undefined)` says. @defaultValue false
   */
  backoffBeforeFirst?: boolean | undefined;
}

const optionNames: OptionNames<RetryOptions> = {
  maxAttempts: true,
  shouldRetry: true,
  budget: true,
  backoffBeforeFirst: true,
  backoff: true,
  initialBackoffMs: true,
  backoffMultiplier: true,
  maxBackoffMs: true,
  jitter: true,
  random: true,
};

/** What one dial goes by: the layer's own, or the caller's. */
interface Plan {
  readonly maxAttempts: number;
  readonly shouldRetry: RetryPredicate;
  /** What errors about its functions begin with. */
  readonly predicate: string;
  readonly backoffBeforeFirst: boolean;
  readonly newBackoff: () => BackoffFunction;
}

/**
 * Dials again when a dial beneath it fails, with a growing, jittered wait between. Layers below it see
 * each attempt, layers above it the whole. An abort ends a wait at once; aborted dials are not retried.
 * A wait that would outlast the bound above is not begun: the dial fails at once, for what the last
 * attempt failed with.
 *
 * A dial may bring its own `maxAttempts`, `shouldRetry`, `backoff` and `backoffBeforeFirst`; where retries
 * nest, the outermost takes them.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @throws DialError from the dial: of the last attempt, with all attempts that failed. What `shouldRetry` or
 * `backoff` throws ends the dial and is passed on as it is.
 * @example
 * const dial = compose(withRetry({ maxAttempts: 4, initialBackoffMs: 100, jitter: "full" }), tcp());
 * @see https://github.com/cenkalti/backoff/blob/v4/context.go which doesn't begin such waits either
 */
export function withRetry(options: RetryOptions = {}): Middleware {
  checkOptions("withRetry", options, optionNames);
  const {
    maxAttempts = 4,
    shouldRetry = defaultShouldRetry,
    budget,
    backoffBeforeFirst = false,
    ...backoffOptions
  } = options;
  checkCount("withRetry: maxAttempts", maxAttempts);
  checkFunction("withRetry: shouldRetry", shouldRetry);
  if (budget !== undefined) checkRetryBudget("withRetry: budget", budget);
  checkBoolean("withRetry: backoffBeforeFirst", backoffBeforeFirst);
  const own: Plan = {
    maxAttempts,
    shouldRetry,
    predicate: "withRetry: shouldRetry",
    backoffBeforeFirst,
    newBackoff: createBackoff(backoffOptions, "withRetry: "),
  };

  return layer(
    (next) =>
      async function retryDialer(target, context) {
        const { cancel, trace, clock, state, deadline, call } = context;
        const { maxAttempts, shouldRetry, predicate, backoffBeforeFirst, newBackoff } =
          call === undefined ? own : asAsked(own, call);
        const inner = { ...context, insideRetry: true, call: call && withoutRetryOverrides(call) };
        let backoff: BackoffFunction | undefined;
        // Where retries nest, an attempt of the dial's that is not its first is a retry to those below, too.
        if (budget !== undefined && !state?.attempts && !cancel?.aborted) {
          returnedNothing("withRetry: budget.deposit()", budget.deposit(clock));
        }

        if (backoffBeforeFirst) {
          backoff = newBackoff();
          const delayMs = backoff(0, undefined);
          if (delayMs > 0) {
            trace?.startDelayed?.({ target, delayMs });
            await sleep(delayMs, clock, cancel);
          }
        }
        for (let attempt = 1; ; attempt += 1) {
          try {
            return await next(target, inner);
          } catch (thrown) {
            const ended = outcomeOf(thrown, cancel);
            if (ended.outcome === "canceled") throw ended.error;
            const { error, reason } = ended;
            const exhausted = (cause: ExhaustedCause) =>
              trace?.retryExhausted?.({ target, attempts: attempt, cause, error, reason });

            if (cancel?.aborted) {
              exhausted(reason === "timeout" ? "deadline" : "non_retryable");
              throw error;
            }
            let again = attempt < maxAttempts;
            let delayMs = 0;
            try {
              if (again) {
                const verdict = verdictOf(predicate, shouldRetry(error, attempt), cancel);
                again = typeof verdict === "boolean" ? verdict : await verdict;
              }
              if (again) {
                backoff ??= newBackoff();
                delayMs = backoff(attempt, error);
              }
            } catch (stop) {
              const { outcome } = outcomeOf(stop, cancel);
              if (!cancel?.aborted) exhausted("non_retryable");
              else if (outcome === "failure") exhausted("deadline");
              throw stop;
            }
            if (!again) {
              exhausted(attempt >= maxAttempts ? "attempts" : "non_retryable");
              throw attempt === 1 ? error : exhaustedError(error, reason, target, attempt, state);
            }
            if (deadline !== undefined && delayMs >= deadline - clock.now()) {
              exhausted("deadline");
              throw exhaustedError(error, reason, target, attempt, state, "; no time is left for another");
            }
            const withdrawal = budget && returnedWithdrawal("withRetry: budget.withdraw()", budget.withdraw(clock));
            if (budget !== undefined && withdrawal === undefined) {
              exhausted("budget");
              throw attempt === 1 ? error : exhaustedError(error, reason, target, attempt, state);
            }
            // The dial's own count: this layer's tries are not all of its attempts where retries nest.
            const made = state?.attempts || attempt;
            trace?.retryScheduled?.({ target, attempt: made + 1, delayMs, error, reason });
            try {
              await sleep(delayMs, clock, cancel);
            } catch (aborted) {
              if (withdrawal !== undefined) notify("a retry budget's refund()", () => withdrawal.refund());
              if (outcomeOf(aborted, cancel).outcome === "failure") exhausted("deadline");
              throw aborted;
            }
          }
        }
      },
    { name: "retry", retries: true },
  );
}

markFactories({ withRetry });

function asAsked(own: Plan, call: DialOverrides): Plan {
  return {
    maxAttempts: call.maxAttempts ?? own.maxAttempts,
    shouldRetry: call.shouldRetry ?? own.shouldRetry,
    predicate: call.shouldRetry === undefined ? own.predicate : "dial: shouldRetry",
    backoffBeforeFirst: call.backoffBeforeFirst ?? own.backoffBeforeFirst,
    newBackoff: call.backoff === undefined ? own.newBackoff : createBackoff({ backoff: call.backoff }),
  };
}

function defaultShouldRetry(error: unknown, attempt: number): boolean {
  const reason = classify(error);
  return reason !== "canceled" && isRetryable(reason, attempt);
}

function exhaustedError(
  error: unknown,
  reason: Reason,
  target: Target,
  attempts: number,
  state: DialState | undefined,
  why = "",
): DialError {
  // A kind of its own says more than what caused it: when a breaker will let dials through again.
  const isPlain = error instanceof DialError && error.constructor === DialError;
  const cause = isPlain && error.cause !== undefined ? error.cause : error;
  const times = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  return new DialError(`dial ${target} failed after ${times}: ${messageOf(cause)}${why}`, {
    reason,
    target,
    cause,
    attempts: state && [...state.failures],
    attemptCount: state?.attempts,
  });
}
