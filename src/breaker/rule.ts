import { ConsecutiveBreaker, CountBreaker } from "cockatiel";
import { asMistake, wrongReturn } from "../support/returned.ts";
import { checkCount, checkDuration, checkOptions, invalid, type OptionNames, show } from "../support/validate.ts";
import { type SamplingRule, SamplingStrategy } from "./sampling.ts";
import type { BreakerStrategy } from "./strategy.ts";

/** The options of cockatiel's `CountBreaker`. */
export interface CountRule {
  /** Share of failures, between 0 and 1, above which the breaker opens. */
  threshold: number;
  /** Number of the last dials that are counted, from 1 to 100,000. */
  size: number;
  /** Number of dials below which the breaker stays closed, from 1 to `size`. @defaultValue `size` */
  minimumNumberOfCalls?: number;
}

/**
 * When a breaker opens: after so many failures in a row, when more than a share of the dials of the last
 * while or of the last so many have failed, or as a strategy of one's own says, made anew for each target.
 */
export type BreakerRule =
  | { consecutive: number }
  | { sampling: SamplingRule }
  | { count: CountRule }
  | (() => BreakerStrategy);

/** The rules that are objects, as one. */
interface Kinds {
  consecutive?: number;
  sampling?: SamplingRule;
  count?: CountRule;
}

const kinds: OptionNames<Kinds> = { consecutive: true, sampling: true, count: true };

/** Returns a maker of strategies, one for each target. Checks the rule. */
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
  if ("sampling" in rule) {
    const sampling = { ...rule.sampling };
    checkOptions("withBreaker: breaker.sampling", rule.sampling, {
      threshold: true,
      durationMs: true,
      minimumRps: true,
    });
    checkShare("withBreaker: breaker.sampling.threshold", sampling.threshold);
    checkDuration("withBreaker: breaker.sampling.durationMs", sampling.durationMs);
    checkRate("withBreaker: breaker.sampling.minimumRps", sampling.minimumRps);
    return () => new SamplingStrategy(sampling);
  }
  const count = { ...rule.count };
  checkOptions("withBreaker: breaker.count", rule.count, { threshold: true, size: true, minimumNumberOfCalls: true });
  checkShare("withBreaker: breaker.count.threshold", count.threshold);
  checkSize("withBreaker: breaker.count.size", count.size, maxSize);
  if (count.minimumNumberOfCalls !== undefined) {
    checkSize("withBreaker: breaker.count.minimumNumberOfCalls", count.minimumNumberOfCalls, count.size);
  }
  return () => new CountBreaker(count);
}

/** Results that a breaker remembers, each; there is one breaker for each target. */
const maxSize = 100_000;

/** A function that hands the same one out twice would have one target's failures open the way to another. */
function madeBy(make: () => BreakerStrategy): () => BreakerStrategy {
  const seen = new WeakSet<BreakerStrategy>();
  return () => {
    const strategy = make();
    if (typeof strategy?.success !== "function" || typeof strategy.failure !== "function") {
      throw wrongReturn("withBreaker: breaker()", "must return a breaker of cockatiel's kind", strategy);
    }
    if (seen.has(strategy)) {
      throw asMistake(new TypeError("withBreaker: breaker() must return a new one each time"));
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
