import { returnedTime } from "../async/checked-clock.ts";
import { type Clock, systemClock } from "../async/clock.ts";
import { isPromiseLike, wrongReturn } from "../support/returned.ts";
import { markFactories } from "../support/roles.ts";
import { checkDuration, checkFunction, checkOptions, invalid, show } from "../support/validate.ts";

export interface RetryBudgetOptions {
  /** Retries for each first attempt of the window, from 0; 0.2 is one for five. @defaultValue 0.2 */
  share?: number | undefined;
  /**
   * Retries a second on top of the share, for dialers that have just started or dial seldom. The floor of
   * a whole window may be spent at once. @defaultValue 10
   */
  minPerSecond?: number | undefined;
  /** How long first attempts and retries count. @defaultValue 10 000 */
  windowMs?: number | undefined;
  /** Where time comes from. @defaultValue the clock of the dials */
  clock?: Clock | undefined;
}

/** What a budget has seen since it was made, and what is left of it now. */
export interface RetryBudgetStats {
  /** Retries that may be made now. */
  readonly balance: number;
  /** Dials that made their first attempt. */
  readonly firstAttempts: number;
  /** Retries granted, less those given back. */
  readonly retries: number;
  /** Retries refused. */
  readonly refused: number;
}

/** A retry that was granted. */
export interface Withdrawal {
  /** Gives it back, once, when the retry is not made after all. */
  refund(): void;
}

/**
 * Bounds retries by first attempts. Give the same one to every `withRetry` whose dials go to the same
 * place; what it grants, it grants to all of them together.
 */
export interface RetryBudget {
  /** Counts a first attempt. `clock` is the dial's, for a budget without its own. */
  deposit(clock?: Clock): void;
  /** Asks for a retry; `undefined` when there is none left. */
  withdraw(clock?: Clock): Withdrawal | undefined;
  /** Retries that may be made now. */
  balance(): number;
  stats(): RetryBudgetStats;
}

const defaults = Object.freeze({ share: 0.2, minPerSecond: 10, windowMs: 10_000 });

/** Parts of a window; what is older leaves by whole parts. Ten, as tower and Finagle have. */
const parts = 10;

/**
 * Makes a budget of retries: whenever one is granted, those of the last `windowMs`, itself included, are no
 * more than `share` × first attempts of that time + `minPerSecond` × the window. First attempts deposit,
 * retries withdraw, both expire with the window.
 *
 * As tower's `TpsBudget` and Finagle's `RetryBudget` count, in tenths of the window, but strictly: where they drop
 * both with the oldest tenth, here a retry counts for up to a tenth longer, a first attempt for up to a tenth shorter
 * than the window. Every call takes the same time, however much it has counted, and there are no timers.
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

/** Throws a `TypeError` that names `option` unless it can be asked for retries. */
export function checkRetryBudget(option: string, budget: unknown): asserts budget is RetryBudget {
  if (typeof budget !== "object" || budget === null) {
    throw invalid(TypeError, `${option} must be a budget such as retryBudget() makes, got ${show(budget)}`);
  }
  const { deposit, withdraw } = budget as RetryBudget;
  checkFunction(`${option}.deposit`, deposit);
  checkFunction(`${option}.withdraw`, withdraw);
}

/**
 * Checks what a budget of the user's own has said to a request for a retry: a promise would pass for a retry granted.
 *
 * @throws TypeError unless it is a withdrawal or `undefined`.
 */
export function returnedWithdrawal(what: string, value: unknown): Withdrawal | undefined {
  if (value === undefined) return undefined;
  if (typeof (value as Partial<Withdrawal> | null)?.refund === "function") return value as Withdrawal;
  throw wrongReturn(what, "must return a withdrawal with refund(), or undefined", value);
}

/** Throws a `TypeError` for a promise: what is told to a user's budget must be counted before it is asked. */
export function returnedNothing(what: string, value: unknown): void {
  if (isPromiseLike(value)) throw wrongReturn(what, "must count at once", value);
}

class WindowedBudget implements RetryBudget {
  readonly #share: number;
  readonly #floor: number;
  readonly #partMs: number;
  readonly #own: Clock | undefined;
  /** The clock of whoever came last, for who asks without one. */
  #clock: Clock | undefined;
  /** The current part is never over: these are the parts that lie in the window for certain, and those that may. */
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

  /** Drops what has left the window; returns the number of the current part. */
  #expire(given: Clock | undefined): number {
    this.#clock = this.#own ?? given ?? this.#clock ?? systemClock;
    const part = Math.floor(returnedTime("retryBudget: clock.now()", this.#clock.now()) / this.#partMs);
    this.#deposits.moveTo(part);
    this.#withdrawals.moveTo(part);
    return part;
  }

  #left(): number {
    const left = this.#share * this.#deposits.sum + this.#floor - this.#withdrawals.sum;
    // A share of 0.29 of 100 is a little less than 29 to a computer. And what deposits that have expired have paid
    // for is spent all the same: there may be less than nothing.
    return Math.max(0, left + 1e-9);
  }
}

/** How often something has happened in the last `size` parts of time. */
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
    // No clock goes back: this is another one, whose time has nothing to do with what was counted.
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

  /** Counts in a part that may have passed; one that is forgotten stays so. */
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
