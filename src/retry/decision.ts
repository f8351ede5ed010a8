import type { BackoffFunction } from "../async/backoff.ts";
import type { Cancel } from "../async/cancel.ts";
import type { Clock } from "../async/clock.ts";
import type { RetryPredicate } from "../core/dialer.ts";
import type { ExhaustedCause } from "../core/event-values.ts";
import type { Reason } from "../core/reasons.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { type RetryBudget, returnedWithdrawal, type Withdrawal } from "./retry-budget.ts";
import { verdictOf } from "./verdict.ts";

/** What the decisions of one dial depend on. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly shouldRetry: RetryPredicate;
  /** How error messages name `shouldRetry`. */
  readonly shouldRetryName: string;
  readonly backoff: BackoffFunction;
  readonly budget: RetryBudget | undefined;
  readonly clock: Clock;
  readonly cancel: Cancel | undefined;
  /** When the nearest timeout above expires, by `clock`. */
  readonly deadline: number | undefined;
}

/** An attempt that failed. */
export interface FailedAttempt {
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  readonly error: unknown;
  readonly reason: Reason;
}

/** The decision to make another attempt after `delayMs`. */
export interface Retry {
  readonly retry: true;
  readonly delayMs: number;
  /** The retry that the budget granted; absent without a budget. */
  readonly withdrawal: Withdrawal | undefined;
}

/** The decision to make no further attempt. */
export interface GiveUp {
  readonly retry: false;
  /** Cause for the `retryExhausted` hook; absent when the caller canceled the dial, which is not reported. */
  readonly cause: ExhaustedCause | undefined;
  /** What the dial rejects with: this error, or, where absent, a summary of its attempts. */
  readonly rejection?: { readonly error: unknown };
}

/**
 * Decides whether a failed attempt is retried. The result is a promise only when `shouldRetry` returns one. The
 * checks run in this order: cancel, `maxAttempts`, `shouldRetry`, backoff, deadline, budget. The budget is last so that
 * it grants only retries that are made.
 */
export function decide(policy: RetryPolicy, failure: FailedAttempt): Retry | GiveUp | Promise<Retry | GiveUp> {
  const { maxAttempts, shouldRetry, shouldRetryName, cancel } = policy;
  const { attempt, error, reason } = failure;
  if (cancel?.aborted) {
    return { retry: false, cause: reason === "timeout" ? "deadline" : "non_retryable", rejection: { error } };
  }
  if (attempt >= maxAttempts) return giveUpAfter(failure, "attempts");
  let verdict: boolean | Promise<boolean>;
  try {
    verdict = verdictOf(shouldRetryName, shouldRetry(error, attempt), cancel);
  } catch (thrown) {
    return giveUpOn(thrown, cancel);
  }
  if (typeof verdict === "boolean") return decideByVerdict(policy, failure, verdict);
  return verdict.then(
    (retryable) => decideByVerdict(policy, failure, retryable),
    (thrown) => giveUpOn(thrown, cancel),
  );
}

/** Gives up because something other than an attempt threw: a user's function, or an abort during a wait. */
export function giveUpOn(thrown: unknown, cancel: Cancel | undefined): GiveUp {
  const rejection = { error: thrown };
  if (!cancel?.aborted) return { retry: false, cause: "non_retryable", rejection };
  const canceled = outcomeOf(thrown, cancel).outcome === "canceled";
  return { retry: false, cause: canceled ? undefined : "deadline", rejection };
}

function decideByVerdict(policy: RetryPolicy, failure: FailedAttempt, retryable: boolean): Retry | GiveUp {
  const { backoff, budget, clock, deadline, cancel } = policy;
  if (!retryable) return giveUpAfter(failure, "non_retryable");
  let delayMs: number;
  try {
    delayMs = backoff(failure.attempt, failure.error);
  } catch (thrown) {
    return giveUpOn(thrown, cancel);
  }
  if (deadline !== undefined && delayMs >= deadline - clock.now()) return { retry: false, cause: "deadline" };
  if (budget === undefined) return { retry: true, delayMs, withdrawal: undefined };
  const withdrawal = returnedWithdrawal("withRetry: budget.withdraw()", budget.withdraw(clock));
  return withdrawal === undefined ? giveUpAfter(failure, "budget") : { retry: true, delayMs, withdrawal };
}

/** The error of a single attempt is passed on as it is; only several attempts need a summary. */
function giveUpAfter({ attempt, error }: FailedAttempt, cause: ExhaustedCause): GiveUp {
  return attempt === 1 ? { retry: false, cause, rejection: { error } } : { retry: false, cause };
}
