import type { BackoffFunction } from "../async/backoff.ts";
import { sleep } from "../async/sleep.ts";
import type { RetryPredicate } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import type { DialContext } from "../engine/context.ts";
import { messageOf } from "../support/message.ts";
import { notify } from "../support/user-call.ts";
import { decide, type FailedAttempt, type GiveUp, giveUpOn, type Retry, type RetryPolicy } from "./decision.ts";
import type { RetryBudget } from "./retry-budget.ts";

/** The settings of one dial: the layer's own, or the caller's where the dial has overrides. */
export interface RetrySettings {
  readonly maxAttempts: number;
  readonly shouldRetry: RetryPredicate;
  /** How error messages name `shouldRetry`. */
  readonly shouldRetryName: string;
  readonly budget: RetryBudget | undefined;
  readonly backoffBeforeFirst: boolean;
  readonly newBackoff: () => BackoffFunction;
}

/** The part of a dial's context that its retries need. */
type RetryContext = Pick<DialContext<never>, "cancel" | "clock" | "deadline" | "state" | "trace">;

/** Carries out the retries of one dial: the decisions, their hooks, the delays and the final error. */
export class DialRetries {
  readonly #policy: RetryPolicy;
  readonly #target: Target;
  readonly #context: RetryContext;

  constructor(settings: RetrySettings, target: Target, context: RetryContext) {
    const { clock, cancel, deadline } = context;
    const { maxAttempts, shouldRetry, shouldRetryName, budget, newBackoff } = settings;
    let backoff: BackoffFunction | undefined;
    this.#policy = {
      maxAttempts,
      shouldRetry,
      shouldRetryName,
      budget,
      clock,
      cancel,
      deadline,
      // Made on first use: most backoffs of a dial are never needed.
      backoff: (attempt, error) => {
        backoff ??= newBackoff();
        return backoff(attempt, error);
      },
    };
    this.#target = target;
    this.#context = context;
  }

  /** Delays the first attempt. */
  async beforeFirst(): Promise<void> {
    const { backoff, clock, cancel } = this.#policy;
    const delayMs = backoff(0, undefined);
    if (delayMs <= 0) return;
    this.#context.trace?.startDelayed?.({ target: this.#target, delayMs });
    await sleep(delayMs, clock, cancel);
  }

  /** Resolves when the next attempt may start; rejects with the dial's error when there is none. */
  async afterFailure(failure: FailedAttempt): Promise<void> {
    const decided = decide(this.#policy, failure);
    const decision = "retry" in decided ? decided : await decided;
    const end = decision.retry ? await this.#delay(decision, failure) : decision;
    if (end === undefined) return;
    const { attempt: attempts, error, reason } = failure;
    const { cause, rejection } = end;
    if (cause !== undefined) {
      this.#context.trace?.retryExhausted?.({ target: this.#target, attempts, cause, error, reason });
    }
    throw rejection === undefined ? this.#summaryOf(failure, cause === "deadline") : rejection.error;
  }

  async #delay({ delayMs, withdrawal }: Retry, { attempt, error, reason }: FailedAttempt): Promise<GiveUp | undefined> {
    const { clock, cancel } = this.#policy;
    const { trace, state } = this.#context;
    // The dial's own count: where retries nest, this layer makes only some of the attempts.
    const made = state?.attempts || attempt;
    trace?.retryScheduled?.({ target: this.#target, attempt: made + 1, delayMs, error, reason });
    try {
      await sleep(delayMs, clock, cancel);
      return undefined;
    } catch (thrown) {
      if (withdrawal !== undefined) notify("a retry budget's refund()", () => withdrawal.refund());
      return giveUpOn(thrown, cancel);
    }
  }

  /** The error of a dial whose attempts all failed. */
  #summaryOf({ attempt, error, reason }: FailedAttempt, outOfTime: boolean): DialError {
    const { state } = this.#context;
    const target = this.#target;
    // A subclass has more fields than its cause, such as the time until a breaker admits a probe.
    const isPlain = error instanceof DialError && error.constructor === DialError;
    const cause = isPlain && error.cause !== undefined ? error.cause : error;
    const attempts = attempt === 1 ? "1 attempt" : `${attempt} attempts`;
    const note = outOfTime ? "; no time is left for another" : "";
    return new DialError(`dial ${target} failed after ${attempts}: ${messageOf(cause)}${note}`, {
      reason,
      target,
      cause,
      attempts: state?.failures,
      attemptCount: state?.attempts,
    });
  }
}
