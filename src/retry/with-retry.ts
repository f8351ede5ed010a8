import type { Duplex } from "node:stream";
import { begin } from "../async/abortable.ts";
import { type BackoffOptions, createBackoff, shownBackoff } from "../async/backoff.ts";
import { backoffRange } from "../async/backoff-range.ts";
import type { Cancel } from "../async/cancel.ts";
import { classify } from "../core/classify.ts";
import type { Middleware, RetryPredicate } from "../core/dialer.ts";
import { isRetryable } from "../core/reasons.ts";
import type { Target } from "../core/target.ts";
import { type DialContext, layer, type Run } from "../engine/context.ts";
import { type DialOverrides, withoutRetryOverrides } from "../engine/dial-overrides.ts";
import type { ShownOptions } from "../engine/layer-info.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { functionName } from "../support/function-name.ts";
import { markFactories } from "../support/roles.ts";
import { checkBoolean, checkCount, checkFunction, checkOptions, type OptionNames } from "../support/validate.ts";
import { DialRetries, type RetrySettings } from "./dial-retries.ts";
import { checkRetryBudget, type RetryBudget, returnedNothing } from "./retry-budget.ts";
import { retryCost } from "./retry-cost.ts";

/** Options of {@link withRetry}. */
export interface RetryOptions extends BackoffOptions {
  /**
   * Attempts in total, counting the first: a whole number from 1, or `Infinity` to retry until the signal or a timeout
   * above ends the dial. @defaultValue 4
   */
  maxAttempts?: number | undefined;
  /**
   * Reports whether to retry after `error` failed attempt number `attempt`, from 1; may return a promise. Not called
   * after the last attempt or an abort.
   * @defaultValue decided by the error's reason: retried unless the reason requires a change by a person
   */
  shouldRetry?: RetryPredicate | undefined;
  /**
   * Limits the retries of all dialers that share it: see {@link retryBudget}. When it is spent, the dial rejects with
   * the error of its last attempt. @defaultValue no limit
   */
  budget?: RetryBudget | undefined;
  /**
   * Whether to delay the first attempt as well, so that clients that start together do not dial together. The delay is
   * that after a first failure; a `backoff` function is called as `backoff(0, undefined)`. @defaultValue `false`
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

/**
 * Retries failed dials with a growing, jittered backoff. Layers below see each attempt, layers above see one dial.
 * An abort ends a delay immediately, and an aborted dial is not retried. A backoff that would exceed the deadline is
 * skipped: the dial rejects immediately with the error of its last attempt.
 *
 * A dial may override `maxAttempts`, `shouldRetry`, `backoff` and `backoffBeforeFirst`; where retries nest, the
 * outermost layer applies them.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @throws DialError from the dial: the error of the last attempt, with all failed attempts. An error that `shouldRetry`
 * or `backoff` throws ends the dial and is passed on unchanged.
 * @example
 * const dial = compose(withRetry({ maxAttempts: 4, initialBackoffMs: 100, jitter: "full" }), tcp());
 * @see https://github.com/cenkalti/backoff/blob/v4/context.go which skips such backoffs too
 */
export function withRetry(options: RetryOptions = {}): Middleware {
  const own = settingsOf(options);
  const given = { ...options };
  return layer(
    (next) =>
      function retryDialer(target, context) {
        try {
          const { call } = context;
          const settings = call === undefined ? own : overridden(own, call);
          deposit(settings.budget, context);
          return runWithRetries(next, target, context, settings);
        } catch (error) {
          return Promise.reject(error);
        }
      },
    {
      factory: "withRetry",
      name: "retry",
      emits: ["retryScheduled", "retryExhausted"],
      retries: true,
      options: () => shownOptions(given, own),
      worstCase: (beneath, withinMs) => retryCost({ ...own, backoff: backoffRange(given) }, beneath, withinMs),
    },
  );
}

markFactories({ withRetry });

/** Counts the dial for the budget. Where retries nest, the outer layer's retries are not dials of their own. */
function deposit(
  budget: RetryBudget | undefined,
  { cancel, clock, state }: Pick<DialContext<never>, "cancel" | "clock" | "state">,
): void {
  if (budget === undefined || state?.attempts || cancel?.aborted) return;
  returnedNothing("withRetry: budget.deposit()", budget.deposit(clock));
}

function runWithRetries<C extends Duplex>(
  next: Run<C>,
  target: Target,
  context: DialContext<C>,
  settings: RetrySettings,
): Promise<C> {
  const { call, cancel } = context;
  const inner = { ...context, insideRetry: true, call: call && withoutRetryOverrides(call) };
  if (settings.backoffBeforeFirst) {
    return delayed(() => next(target, inner), cancel, new DialRetries(settings, target, context));
  }
  // Not an async function: those allocate twice as much, and most dials need no retry.
  return begin(next, target, inner).catch((thrown) =>
    retry(() => next(target, inner), thrown, cancel, new DialRetries(settings, target, context)),
  );
}

/** Delays the first attempt of a dial. */
async function delayed<T>(dial: () => Promise<T>, cancel: Cancel | undefined, retries: DialRetries): Promise<T> {
  await retries.beforeFirst();
  try {
    return await dial();
  } catch (thrown) {
    return retry(dial, thrown, cancel, retries);
  }
}

/** Continues a dial after its first attempt failed with `thrown`. */
async function retry<T>(
  dial: () => Promise<T>,
  thrown: unknown,
  cancel: Cancel | undefined,
  retries: DialRetries,
): Promise<T> {
  let failure = thrown;
  for (let attempt = 1; ; attempt += 1) {
    const { outcome, error, reason } = outcomeOf(failure, cancel);
    if (outcome === "canceled") throw error;
    await retries.afterFailure({ attempt, error, reason });
    try {
      return await dial();
    } catch (again) {
      failure = again;
    }
  }
}

/** Checks the options and completes them. */
function settingsOf(options: RetryOptions): RetrySettings {
  checkOptions("withRetry", options, optionNames);
  const {
    maxAttempts = 4,
    shouldRetry = retryByReason,
    budget,
    backoffBeforeFirst = false,
    ...backoffOptions
  } = options;
  checkCount("withRetry: maxAttempts", maxAttempts);
  checkFunction("withRetry: shouldRetry", shouldRetry);
  if (budget !== undefined) checkRetryBudget("withRetry: budget", budget);
  checkBoolean("withRetry: backoffBeforeFirst", backoffBeforeFirst);
  const newBackoff = createBackoff(backoffOptions, "withRetry: ");
  return {
    maxAttempts,
    shouldRetry,
    shouldRetryName: "withRetry: shouldRetry",
    budget,
    backoffBeforeFirst,
    newBackoff,
  };
}

function shownOptions(options: RetryOptions, { maxAttempts, backoffBeforeFirst }: RetrySettings): ShownOptions {
  const { maxAttempts: _max, shouldRetry, budget, backoffBeforeFirst: _before, ...backoffOptions } = options;
  return {
    maxAttempts,
    ...shownBackoff(backoffOptions),
    shouldRetry: shouldRetry && functionName(shouldRetry),
    budget: budget && true,
    backoffBeforeFirst: backoffBeforeFirst || undefined,
  };
}

function overridden(own: RetrySettings, call: DialOverrides): RetrySettings {
  return {
    maxAttempts: call.maxAttempts ?? own.maxAttempts,
    shouldRetry: call.shouldRetry ?? own.shouldRetry,
    shouldRetryName: call.shouldRetry === undefined ? own.shouldRetryName : "dial: shouldRetry",
    budget: own.budget,
    backoffBeforeFirst: call.backoffBeforeFirst ?? own.backoffBeforeFirst,
    newBackoff: call.backoff === undefined ? own.newBackoff : createBackoff({ backoff: call.backoff }),
  };
}

function retryByReason(error: unknown, attempt: number): boolean {
  const reason = classify(error);
  return reason !== "canceled" && isRetryable(reason, attempt);
}
