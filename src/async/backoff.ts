import { functionName } from "../support/function-name.ts";
import { checkedRandom, returnedWait } from "../support/returned.ts";
import { checkDuration, checkFunction, checkOneOf, invalid, maxTimerMs, show } from "../support/validate.ts";

/** Randomization of a delay, after "Exponential Backoff and Jitter". */
export type Jitter = "none" | "full" | "equal" | "decorrelated";

/**
 * Computes the backoff before the next attempt, in milliseconds from 0 to 2^31-1. May throw to stop: the dial rejects
 * with the thrown error. Any other result, including a promise, ends the dial with a RangeError or TypeError.
 *
 * @param attempt - number of the attempt that failed, from 1; 0 before the first, with `backoffBeforeFirst`.
 * @param error - error of that attempt; `undefined` before the first.
 */
export type BackoffFunction = (attempt: number, error: unknown) => number;

/** How the delay before a retry is computed. */
export interface BackoffOptions {
  /** `exponential`, `constant`, or a function of your own, whose result is used without jitter. @defaultValue `"exponential"` */
  backoff?: "exponential" | "constant" | BackoffFunction | undefined;
  /** Backoff after the first failure in milliseconds, 0 to 2^31-1, before jitter. @defaultValue 100 */
  initialBackoffMs?: number | undefined;
  /** Factor by which the backoff grows with each failure, 1 to 2^31-1. @defaultValue 2 */
  backoffMultiplier?: number | undefined;
  /** Longest backoff in milliseconds, 0 to 2^31-1. @defaultValue 10 000 */
  maxBackoffMs?: number | undefined;
  /**
   * Random delay for a computed backoff b: `none` delays by b, `full` by 0 to b, `equal` by b/2 to b,
   * `decorrelated` by `initialBackoffMs` to three times the previous delay. @defaultValue `"full"`
   */
  jitter?: Jitter | undefined;
  /** Source of randomness, from 0 to below 1. For tests. @defaultValue `Math.random` */
  random?: (() => number) | undefined;
}

const defaults = Object.freeze({
  backoff: "exponential",
  initialBackoffMs: 100,
  backoffMultiplier: 2,
  maxBackoffMs: 10_000,
  jitter: "full",
  random: Math.random,
} as const);

const builtInOnly = ["initialBackoffMs", "backoffMultiplier", "maxBackoffMs", "jitter"] as const;

/**
 * Returns a function that creates the backoff of one dial: `decorrelated` remembers the previous delay.
 *
 * @param prefix - prefix of errors about options, such as `withRetry: `.
 * @throws RangeError or TypeError naming the option, when it is out of range or has no effect.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 * @see https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
 */
export function createBackoff(options: BackoffOptions = {}, prefix = ""): () => BackoffFunction {
  const given = options.backoff;
  if (typeof given === "function") {
    for (const name of builtInOnly) {
      if (options[name] !== undefined)
        throw invalid(TypeError, `${prefix}${name} has no effect when backoff is a function: leave it out`);
    }
    return () => (attempt, error) => returnedWait(`backoff(${attempt}, error)`, given(attempt, error));
  }
  const settings = { ...defaults, ...defined(options) };
  checkSettings(settings, prefix);
  const { backoff, initialBackoffMs, backoffMultiplier, maxBackoffMs, jitter } = settings;
  const random = checkedRandom(`${prefix}random`, settings.random, "to 1");

  return () => {
    let previousMs = initialBackoffMs;
    return (attempt) => {
      // Growth overflows in an endless retry, and Infinity times an initial backoff of 0 is NaN.
      // The backoff before the first attempt equals the backoff after the first failure.
      const failures = Math.max(1, attempt);
      const growth = backoff === "constant" ? 1 : Math.min(backoffMultiplier ** (failures - 1), Number.MAX_VALUE);
      const baseMs = Math.min(initialBackoffMs * growth, maxBackoffMs);
      switch (jitter) {
        case "none":
          return baseMs;
        case "full":
          return random() * baseMs;
        case "equal":
          return baseMs / 2 + (random() * baseMs) / 2;
        case "decorrelated":
          previousMs = Math.min(maxBackoffMs, initialBackoffMs + random() * (previousMs * 3 - initialBackoffMs));
          return previousMs;
      }
    };
  };
}

/** Returns the options that matter for a backoff, with their defaults, to be shown. A user's function is shown by name. */
export function shownBackoff(options: BackoffOptions): Record<string, string | number | undefined> {
  const { backoff, ...given } = options;
  if (typeof backoff === "function") return { backoff: functionName(backoff) };
  const { initialBackoffMs, backoffMultiplier, maxBackoffMs, jitter } = { ...defaults, ...defined(given) };
  if (backoff === "constant") return { backoff, initialBackoffMs, jitter };
  return { backoff: defaults.backoff, initialBackoffMs, backoffMultiplier, maxBackoffMs, jitter };
}

function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

interface BackoffSettings extends Readonly<Record<keyof typeof defaults, unknown>> {
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
}

function checkSettings(settings: BackoffSettings, prefix: string): void {
  const { backoff, initialBackoffMs, backoffMultiplier, maxBackoffMs, jitter, random } = settings;
  checkOneOf(`${prefix}backoff`, backoff, ["exponential", "constant"]);
  checkOneOf(`${prefix}jitter`, jitter, ["none", "full", "equal", "decorrelated"]);
  checkFunction(`${prefix}random`, random);
  checkDuration(`${prefix}initialBackoffMs`, initialBackoffMs, 0);
  checkDuration(`${prefix}maxBackoffMs`, maxBackoffMs, 0);
  if (maxBackoffMs < initialBackoffMs && backoff === "exponential") {
    throw invalid(
      RangeError,
      `${prefix}maxBackoffMs must not be below initialBackoffMs (${initialBackoffMs}), got ${maxBackoffMs}`,
    );
  }
  if (typeof backoffMultiplier !== "number" || !(backoffMultiplier >= 1 && backoffMultiplier <= maxTimerMs)) {
    throw invalid(
      RangeError,
      `${prefix}backoffMultiplier must be a number of at least 1, got ${show(backoffMultiplier)}`,
    );
  }
}
