import { returnedTime } from "../async/checked-clock.ts";
import { type Clock, systemClock } from "../async/clock.ts";
import { isPromiseLike, wrongReturn } from "../support/returned.ts";
import { markFactories } from "../support/roles.ts";
import { checkDuration, checkFunction, checkOptions, invalid, show } from "../support/validate.ts";

/** Options of {@link retryBudget}. */
export interface RetryBudgetOptions {
  /** Retries per first attempt in the window, from 0; 0.2 permits one retry for five dials. @defaultValue 0.2 */
  share?: number | undefined;
  /**
   * Retries per second in addition to the share, from 0, for dialers that have just started or dial seldom. Those of a
   * whole window may be spent at once. @defaultValue 10
   */
  minPerSecond?: number | undefined;
  /** How long first attempts and retries count, in milliseconds, from 1. @defaultValue 10 000 */
  windowMs?: number | undefined;
  /** Source of time. @defaultValue the clock of the dials */
  clock?: Clock | undefined;
}

/** Totals of a budget since it was made, and its current balance. */
export interface RetryBudgetStats {
  /** Retries available now. */
  readonly balance: number;
  /** First attempts counted. */
  readonly firstAttempts: number;
  /** Retries granted, without the refunded ones. */
  readonly retries: number;
  /** Retries refused. */
  readonly refused: number;
}

/** A granted retry. */
export interface Withdrawal {
  /** Returns the retry to the budget because it is not made. Later calls have no effect. */
  refund(): void;
}

/**
 * Limits retries to a share of the first attempts. Pass the same budget to every `withRetry` whose dials go to the same
 * place: they share its retries.
 */
export interface RetryBudget {
  /** Counts a first attempt. `clock` is that of the dial, for a budget without its own. */
  deposit(clock?: Clock): void;
  /** Takes a retry; returns `undefined` when none is available. */
  withdraw(clock?: Clock): Withdrawal | undefined;
  /** Returns the number of retries available now. */
  balance(): number;
  /** Returns the totals and the current balance. */
  stats(): RetryBudgetStats;
}

const defaults = Object.freeze({ share: 0.2, minPerSecond: 10, windowMs: 10_000 });

/** Parts of the window, which moves by whole parts. Ten, as in tower and Finagle. */
const parts = 10;

/**
 * Makes a retry budget. At any time, the retries granted during the last `windowMs` are at most `share` × the first
 * attempts of that time + `minPerSecond` × the window. First attempts deposit, retries withdraw, and both expire with
 * the window.
 *
 * Counts in tenths of the window, as tower's `TpsBudget` and Finagle's `RetryBudget` do, but never exceeds the limit:
 * a retry counts for up to a tenth longer than the window, and a first attempt for up to a tenth shorter. Every call
 * takes constant time, and there are no timers.
 *
 * @throws RangeError or TypeError naming the option.
 * @see https://github.com/tower-rs/tower/blob/master/tower/src/retry/budget/tps_budget.rs
 * @see https://github.com/twitter/finagle/blob/develop/finagle-core/src/main/scala/com/twitter/finagle/service/RetryBudget.scala
 * @example
 * const budget = retryBudget({ share: 0.1 });
 * const orders = compose(withRetry({ budget }), tcp());
 * const users = compose(withRetry({ budget }), tcp());
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  checkOptions("retryBudget", options, { share: true, minPerSecond: true, windowMs: true, clock: true });
  const {
    share = defaults.share,
    minPerSecond = defaults.minPerSecond,
    windowMs = defaults.windowMs,
    clock: own,
  } = options;
  checkAmount("retryBudget: share", share);
  checkAmount("retryBudget: minPerSecond", minPerSecond);
  checkDuration("retryBudget: windowMs", windowMs);
  if (own !== undefined) checkFunction("retryBudget: clock.now", own?.now);
  return new WindowedBudget(share, (minPerSecond * windowMs) / 1000, windowMs / parts, own);
}

markFactories({ retryBudget });

/** Throws a `TypeError` that names `option` unless `budget` has the methods of a {@link RetryBudget}. */
export function checkRetryBudget(option: string, budget: unknown): asserts budget is RetryBudget {
  if (typeof budget !== "object" || budget === null) {
    throw invalid(TypeError, `${option} must be a retry budget, as returned by retryBudget(), got ${show(budget)}`);
  }
  const { deposit, withdraw } = budget as RetryBudget;
  checkFunction(`${option}.deposit`, deposit);
  checkFunction(`${option}.withdraw`, withdraw);
}

/**
 * Checks the result of a user's `withdraw`: a promise would otherwise count as a granted retry.
 *
 * @throws TypeError unless it is a withdrawal or `undefined`.
 */
export function returnedWithdrawal(what: string, value: unknown): Withdrawal | undefined {
  if (value === undefined) return undefined;
  if (typeof (value as Partial<Withdrawal> | null)?.refund === "function") return value as Withdrawal;
  throw wrongReturn(what, "must return a withdrawal with refund(), or undefined", value);
}

/** Throws a `TypeError` for a promise: a user's `deposit` must count before the next call of `withdraw`. */
export function returnedNothing(what: string, value: unknown): void {
  if (isPromiseLike(value)) throw wrongReturn(what, "must not return a promise", value);
}

class WindowedBudget implements RetryBudget {
  readonly #share: number;
  readonly #floor: number;
  readonly #partMs: number;
  readonly #own: Clock | undefined;
  /** The clock of the last call that passed one, for calls that pass none. */
  #clock: Clock | undefined;
  /** First attempts count while their part is certainly in the window, retries while it may be. */
  readonly #deposits = new PartsCount(parts);
  readonly #withdrawals = new PartsCount(parts + 1);
  #firstAttempts = 0;
  #retries = 0;
  #refused = 0;

  constructor(share: number, floor: number, partMs: number, own: Clock | undefined) {
    this.#share = share;
    this.#floor = floor;
    this.#partMs = partMs;
    this.#own = own;
  }

  deposit(clock?: Clock): void {
    const part = this.#expire(clock);
    this.#deposits.add(part, 1);
    this.#firstAttempts += 1;
  }

  withdraw(clock?: Clock): Withdrawal | undefined {
    const part = this.#expire(clock);
    if (this.#left() < 1) {
      this.#refused += 1;
      return undefined;
    }
    this.#withdrawals.add(part, 1);
    this.#retries += 1;
    let refunded = false;
    return {
      refund: () => {
        if (refunded) return;
        refunded = true;
        this.#withdrawals.add(part, -1);
        this.#retries -= 1;
      },
    };
  }

  balance(): number {
    this.#expire(undefined);
    return Math.floor(this.#left());
  }

  stats(): RetryBudgetStats {
    const balance = this.balance();
    return { balance, firstAttempts: this.#firstAttempts, retries: this.#retries, refused: this.#refused };
  }

  /** Drops the parts that have left the window. Returns the number of the current part. */
  #expire(given: Clock | undefined): number {
    this.#clock = this.#own ?? given ?? this.#clock ?? systemClock;
    const part = Math.floor(returnedTime("retryBudget: clock.now()", this.#clock.now()) / this.#partMs);
    this.#deposits.moveTo(part);
    this.#withdrawals.moveTo(part);
    return part;
  }

  #left(): number {
    const left = this.#share * this.#deposits.sum + this.#floor - this.#withdrawals.sum;
    // 0.29 × 100 is slightly less than 29 in floating point. The sum is negative when the first attempts that paid for
    // retries have expired before them.
    return Math.max(0, left + 1e-9);
  }
}

/** Counts events in the last `size` parts of time. */
class PartsCount {
  sum = 0;
  readonly #counts: number[];
  #current = Number.NEGATIVE_INFINITY;

  constructor(size: number) {
    this.#counts = new Array<number>(size).fill(0);
  }

  moveTo(part: number): void {
    const size = this.#counts.length;
    const passed = part - this.#current;
    if (passed === 0) return;
    this.#current = part;
    // A clock never runs backward: this is a different clock, and the counts do not apply to its time.
    if (passed < 0 || passed >= size) {
      this.#counts.fill(0);
      this.sum = 0;
      return;
    }
    for (let each = part - passed + 1; each <= part; each += 1) {
      const index = indexOf(each, size);
      this.sum -= this.#counts[index] ?? 0;
      this.#counts[index] = 0;
    }
  }

  /** Adds to the count of a part; has no effect when the part has been dropped. */
  add(part: number, count: number): void {
    const size = this.#counts.length;
    if (part > this.#current || part <= this.#current - size) return;
    const index = indexOf(part, size);
    this.#counts[index] = (this.#counts[index] ?? 0) + count;
    this.sum += count;
  }
}

function indexOf(part: number, size: number): number {
  return ((part % size) + size) % size;
}

function checkAmount(option: string, value: unknown): void {
  if (typeof value !== "number" || !(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
    throw invalid(RangeError, `${option} must be a number of at least 0, got ${show(value)}`);
  }
}
