import type { Clock } from "../async/clock.ts";

/**
 * State of a circuit breaker, by the number that cockatiel's `CircuitState` gives it: closed, open, half open, isolated.
 * The type stands here so that the package's declarations compile with every version of cockatiel, the one that is an ES
 * module included, from every module system.
 */
export type CircuitStateNumber = 0 | 1 | 2 | 3;

/**
 * Says when a breaker opens, from the dials of its one target. Every `IBreaker` of cockatiel is one.
 * It is told of the results that count, in the state that the breaker is in, and of the time.
 */
export interface BreakerStrategy {
  /** Called when a dial has succeeded; in `HalfOpen` it was the probe, and the breaker closes. */
  success(state: CircuitStateNumber, clock: Clock): void;
  /** Called when a dial has failed. Returns whether the breaker shall open; after a probe it does anyway. */
  failure(state: CircuitStateNumber, clock: Clock): boolean;
}
