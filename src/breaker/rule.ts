import { ConsecutiveBreaker, CountBreaker } from "cockatiel";
import { asMistake, wrongReturn } from "../support/returned.ts";
import { checkCount, checkDuration, checkOptions, invalid, type OptionNames, show } from "../support/validate.ts";
import { type SamplingRule, SamplingStrategy } from "./sampling.ts";
import type { BreakerStrategy } from "./strategy.ts";

/** Opens a breaker by the share of failures among the last dials; the options of cockatiel's `CountBreaker`. */
export interface CountRule {
  /** Share of failures above which the breaker opens, between 0 and 1, exclusive. */
  threshold: number;
  /** Number of dials that are counted, from 1 to 100,000. */
  size: number;
  /** Number of dials below which the breaker stays closed, from 1 to `size`. @defaultValue `size` */
  minimumNumberOfCalls?: number;
}

/**
 * When a breaker opens: after `consecutive` failures in a row, by the share of failures in a period (`sampling`) or among
 * the last dials (`count`), or when a strategy decides so, which the function makes for each target.
 */
export type BreakerRule =
  | { consecutive: number }
  | { sampling: SamplingRule }
  | { count: CountRule }
  | (() => BreakerStrategy);

/** The keys of the rules that are objects. */
interface Kinds {
  consecutive?: number;
  sampling?: SamplingRule;
  count?: CountRule;
}

const kinds: OptionNames<Kinds> = { consecutive: true, sampling: true, count: true };

/** Checks the rule. Returns a function that makes a strategy for each target. */
export function strategyMaker(rule: BreakerRule): () => BreakerStrategy {
  if (typeof rule === "function") return madeBy(rule);
  checkOptions<Kinds>("withBreaker: breaker", rule, kinds);
  if (Object.keys(rule).length !== 1) {
    throw invalid(
      TypeError,
      `withBreaker: breaker must have one of ${Object.keys(kinds).join(", ")}, or be a function`,
    );
  }
  if ("consecutive" in rule) {
    const { consecutive } = rule;
    checkCount("withBreaker: breaker.consecutive", consecutive);
    return () => new ConsecutiveBreaker(consecutive);
  }
  return "sampling" in rule ? samplingMaker(rule.sampling) : countMaker(rule.count);
}

function samplingMaker(rule: SamplingRule): () => BreakerStrategy {
  const sampling = { ...rule };
  checkOptions("withBreaker: breaker.sampling", rule, { threshold: true, durationMs: true, minimumRps: true });
  checkShare("withBreaker: breaker.sampling.threshold", sampling.threshold);
  checkDuration("withBreaker: breaker.sampling.durationMs", sampling.durationMs);
  checkRate("withBreaker: breaker.sampling.minimumRps", sampling.minimumRps);
  return () => new SamplingStrategy(sampling);
}

function countMaker(rule: CountRule): () => BreakerStrategy {
  const count = { ...rule };
  checkOptions("withBreaker: breaker.count", rule, { threshold: true, size: true, minimumNumberOfCalls: true });
  checkShare("withBreaker: breaker.count.threshold", count.threshold);
  checkSize("withBreaker: breaker.count.size", count.size, maxSize);
  if (count.minimumNumberOfCalls !== undefined) {
    checkSize("withBreaker: breaker.count.minimumNumberOfCalls", count.minimumNumberOfCalls, count.size);
  }
  return () => new CountBreaker(count);
}

/** Largest `size`: each breaker stores that many results, and there is a breaker for each target. */
const maxSize = 100_000;

/** Checks that a user's function returns a new strategy each time: targets must not share one. */
function madeBy(make: () => BreakerStrategy): () => BreakerStrategy {
  const seen = new WeakSet<BreakerStrategy>();
  return () => {
    const strategy = make();
    if (typeof strategy?.success !== "function" || typeof strategy.failure !== "function") {
      throw wrongReturn("withBreaker: breaker()", "must return a cockatiel breaker", strategy);
    }
    if (seen.has(strategy)) {
      throw asMistake(new TypeError("withBreaker: breaker() must return a new breaker each time"));
    }
    seen.add(strategy);
    return strategy;
  };
}

function checkShare(option: string, value: unknown): void {
  if (typeof value !== "number" || !(value > 0 && value < 1)) {
    throw invalid(RangeError, `${option} must be a number between 0 and 1, got ${show(value)}`);
  }
}

function checkRate(option: string, value: unknown): void {
  if (typeof value !== "number" || !(value >= 0 && value < Number.POSITIVE_INFINITY)) {
    throw invalid(RangeError, `${option} must be a number of at least 0, got ${show(value)}`);
  }
}

function checkSize(option: string, value: unknown, max: number): void {
  if (!Number.isSafeInteger(value) || !((value as number) >= 1 && (value as number) <= max)) {
    throw invalid(RangeError, `${option} must be a whole number from 1 to ${max}, got ${show(value)}`);
  }
}
