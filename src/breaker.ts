export { BreakerOpenError } from "./breaker/errors.ts";
export type { BreakerRule, CountRule } from "./breaker/rule.ts";
export type { SamplingRule } from "./breaker/sampling.ts";
export type { BreakerStrategy, CircuitStateNumber } from "./breaker/strategy.ts";
export type { WaitOptions as BreakerWaitOptions } from "./breaker/wait.ts";
export { type BreakerLayer, type BreakerOptions, type BreakerStatus, withBreaker } from "./breaker/with-breaker.ts";
