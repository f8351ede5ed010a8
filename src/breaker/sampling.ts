import { CircuitState } from "cockatiel";
import type { Clock } from "../async/clock.ts";
import type { BreakerStrategy, CircuitStateNumber } from "./strategy.ts";

/** Opens a breaker by the share of failures in a period. */
export interface SamplingRule {
  /** Share of failures above which the breaker opens, between 0 and 1, exclusive. */
  threshold: number;
  /** Length of the period, in milliseconds, from 1. It moves in tenths. */
  durationMs: number;
  /** Dials per second, averaged over the period, below which the breaker stays closed; from 0. */
  minimumRps: number;
}

/** Windows of the period: as many as in Hystrix and Polly. */
const windowCount = 10;

/**
 * Opens when more than a share of the dials in the period failed. Implements the rule of cockatiel's `SamplingBreaker`,
 * which is not used because it reads `Date.now()`, which may jump and ignores a fake clock, and because each dial drops
 * only one of its windows, so that old failures still count after a pause (cockatiel 3.2.1).
 */
export class SamplingStrategy implements BreakerStrategy {
  readonly #threshold: number;
  readonly #windowMs: number;
  /** Dials in the period below which the breaker stays closed. */
  readonly #minimum: number;
  readonly #successes = new Array<number>(windowCount).fill(0);
  readonly #failures = new Array<number>(windowCount).fill(0);
  /** Number of the newest window, counted from time 0 of the clock. */
  #newest = 0;

  constructor({ threshold, durationMs, minimumRps }: SamplingRule) {
    this.#threshold = threshold;
    this.#windowMs = durationMs / windowCount;
    this.#minimum = (durationMs / 1000) * minimumRps;
  }

  success(state: CircuitStateNumber, clock: Clock): void {
    if (state === CircuitState.HalfOpen) {
      this.#successes.fill(0);
      this.#failures.fill(0);
    }
    this.#count(this.#successes, clock);
  }

  failure(_state: CircuitStateNumber, clock: Clock): boolean {
    this.#count(this.#failures, clock);
    const failures = sum(this.#failures);
    const dials = failures + sum(this.#successes);
    return dials >= this.#minimum && failures > this.#threshold * dials;
  }

  #count(counts: number[], clock: Clock): void {
    const now = Math.floor(clock.now() / this.#windowMs);
    const passed = Math.min(now - this.#newest, windowCount);
    for (let back = 0; back < passed; back += 1) {
      const slot = (now - back) % windowCount;
      this.#successes[slot] = 0;
      this.#failures[slot] = 0;
    }
    this.#newest = Math.max(this.#newest, now);
    const slot = this.#newest % windowCount;
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
}

function sum(numbers: readonly number[]): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
