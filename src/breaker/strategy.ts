import type { Clock } from "../async/clock.ts";

/**
 * State of a circuit breaker, as in cockatiel's `CircuitState`: 0 closed, 1 open, 2 half open, 3 isolated. Defined here so
 * that the package's declarations compile with every version of cockatiel, including the ES module, from every module
 * system.
 */
export type CircuitStateNumber = 0 | 1 | 2 | 3;

/**
 * Decides when the breaker of one target opens. Every `IBreaker` of cockatiel is a strategy. Its methods are called for
 * results that count, with the current state of the breaker and the clock of the dial.
 */
export interface BreakerStrategy {
  /** Called when a dial succeeded. In the state half open, the dial was the probe, and the breaker closes. */
  success(state: CircuitStateNumber, clock: Clock): void;
  /** Called when a dial failed. Returns whether the breaker opens; after a failed probe it opens in any case. */
  failure(state: CircuitStateNumber, clock: Clock): boolean;
}
