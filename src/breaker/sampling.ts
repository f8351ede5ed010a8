import { CircuitState } from "cockatiel";
import type { Clock } from "../async/clock.ts";
import type { BreakerStrategy, CircuitStateNumber } from "./strategy.ts";

export interface SamplingRule {
  /** Share of failures, between 0 and 1, above which the breaker opens. */
  threshold: number;
  /** How far back dials are counted, in milliseconds; in tenths of it. */
  durationMs: number;
  /** Dials a second, on average over `durationMs`, below which it stays closed: a share of few says little. */
  minimumRps: number;
}

/** As many as Hystrix and Polly divide the time into. */
const windowCount = 10;

/**
 * Opens when more than a share of the dials of the last while have failed. The rule is that of
 * cockatiel's `SamplingBreaker`, which is not used itself: it reads `Date.now()`, which jumps and
 * which no fake clock moves, and each dial lets only one of its windows go, so that after a pause
 * failures of long ago still count (cockatiel 3.2.1).
 */
export class SamplingStrategy implements BreakerStrategy {
  readonly #threshold: number;
  readonly #windowMs: number;
  /** Dials without which it stays closed. */
  readonly #minimum: number;
  readonly #successes = new Array<number>(windowCount).fill(0);
  readonly #failures = new Array<number>(windowCount).fill(0);
  /** Number of the newest window, counted from the clock's beginning. */
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
