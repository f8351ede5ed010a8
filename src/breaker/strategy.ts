import type { CircuitState } from "cockatiel";
import type { Clock } from "../core/clock.ts";

/**
 * Says when a breaker opens, from the dials of its one target. Every `IBreaker` of cockatiel is one.
 * It is told of the results that count, in the state that the breaker is in, and of the time.
 */
export interface BreakerStrategy {
  /** Called when a dial has succeeded; in `HalfOpen` it was the probe, and the breaker closes. */
  success(state: CircuitState, clock: Clock): void;
  /** Called when a dial has failed. Returns whether the breaker shall open; after a probe it does anyway. */
  failure(state: CircuitState, clock: Clock): boolean;
}
