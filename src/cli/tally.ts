import type { Outcome } from "../core/event-values.ts";
import type { Reason } from "../core/reasons.ts";

/** Ratio between the bounds of adjacent classes. The error of a quantile is at most half a class. */
const ratio = 1.01;

/** Statistics of all dials to one target. */
export interface Summary {
  /** Number of dials that ended, without those that an interrupt canceled. */
  readonly dials: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Failed dials by reason, most frequent first. */
  readonly reasons: ReadonlyMap<Reason, number>;
  /** Shortest successful dial, in milliseconds. This and the next ones are `undefined` without a successful dial. */
  readonly minMs: number | undefined;
  readonly medianMs: number | undefined;
  readonly p99Ms: number | undefined;
  readonly maxMs: number | undefined;
}

/** One bar of the histogram. */
export interface Bar {
  /** Upper bound in milliseconds: 1, 2 or 5 times a power of ten. */
  readonly upToMs: number;
  readonly count: number;
}

/** Counts the dials to one target in memory that does not grow with their number. */
export class Tally {
  #failed = 0;
  #succeeded = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = 0;
  readonly #reasons = new Map<Reason, number>();
  readonly #classes = new Map<number, number>();
  readonly #bars = new Map<number, number>();

  add(outcome: Outcome, durationMs: number, reason: Reason = "_OTHER"): void {
    if (outcome === "failure") {
      this.#failed += 1;
      increment(this.#reasons, reason);
    }
    if (outcome !== "success") return;
    this.#succeeded += 1;
    this.#minMs = Math.min(this.#minMs, durationMs);
    this.#maxMs = Math.max(this.#maxMs, durationMs);
    increment(this.#classes, Math.round(Math.log(Math.max(durationMs, 1e-3)) / Math.log(ratio)));
    increment(this.#bars, boundOf(durationMs));
  }

  get summary(): Summary {
    const some = this.#succeeded > 0;
    return {
      dials: this.#succeeded + this.#failed,
      succeeded: this.#succeeded,
      failed: this.#failed,
      reasons: new Map([...this.#reasons].sort(([, a], [, b]) => b - a)),
      minMs: some ? this.#minMs : undefined,
      medianMs: some ? this.#quantile(0.5) : undefined,
      p99Ms: some ? this.#quantile(0.99) : undefined,
      maxMs: some ? this.#maxMs : undefined,
    };
  }

  /** The histogram of successful dials, from the shortest to the longest without gaps. */
  get bars(): readonly Bar[] {
    if (this.#succeeded === 0) return [];
    const bars: Bar[] = [];
    const last = boundOf(this.#maxMs);
    for (let upToMs = boundOf(this.#minMs); ; upToMs = boundOf(upToMs * 1.01)) {
      bars.push({ upToMs, count: this.#bars.get(upToMs) ?? 0 });
      if (upToMs >= last) return bars;
    }
  }

  #quantile(share: number): number {
    const sorted = [...this.#classes].sort(([a], [b]) => a - b);
    let left = Math.ceil(share * this.#succeeded);
    for (const [index, count] of sorted) {
      left -= count;
      if (left <= 0) return Math.min(this.#maxMs, Math.max(this.#minMs, ratio ** index));
    }
    return this.#maxMs;
  }
}

/** Returns the least of 1, 2 and 5 times a power of ten that is not below `ms`. */
function boundOf(ms: number): number {
  const exponent = Math.floor(Math.log10(Math.max(ms, 0.1)));
  for (const step of [1, 2, 5, 10]) {
    const bound = Number(`${step}e${exponent}`);
    if (bound >= ms) return bound;
  }
  return Number(`1e${exponent + 1}`);
}

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
