import { CircuitState } from "cockatiel";
import type { BackoffFunction } from "../async/backoff.ts";
import type { Clock } from "../async/clock.ts";
import type { BreakerState } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import { returnedBoolean } from "../support/returned.ts";
import { guarded, notify } from "../support/user-call.ts";
import type { BreakerStrategy } from "./strategy.ts";

/** What the breakers of one `withBreaker` share. */
export interface BreakerParts {
  readonly newStrategy: () => BreakerStrategy;
  readonly newWait: () => BackoffFunction;
}

/**
 * The breaker of one target. Only the strategies of cockatiel are used, not its `CircuitBreakerPolicy`: calls during a
 * probe wait for the probe, an aborted probe counts as a success, it reads `Date.now()`, and it does not expose how long
 * it stays open.
 */
export class Breaker {
  readonly target: Target;
  state: BreakerState = "closed";
  /** Whether this target was isolated by name: the breaker must then be kept. */
  isolatedByName = false;
  /** Number of the last dial to the target. */
  lastDial = 0;
  /**
   * Incremented with each change of state. The result of a dial counts only in the generation in which the dial was
   * admitted.
   */
  generation = 0;
  /** The failure that opened the breaker; `undefined` when it was isolated. */
  openedBy: unknown;
  /** The state that was last reported to a dial. */
  #reported: BreakerState = "closed";
  #probing = false;
  /** When a probe is admitted, by the clock of the dial that opened the breaker; `Infinity` when isolated. */
  #retryAt = 0;
  /** Consecutive openings. */
  #openings = 0;
  #strategy: BreakerStrategy | undefined;
  #wait: BackoffFunction | undefined;
  readonly #parts: BreakerParts;

  constructor(target: Target, parts: BreakerParts) {
    this.target = target;
    this.#parts = parts;
  }

  /** Whether the breaker rejects all dials until {@link reset}. */
  get isolated(): boolean {
    return this.#retryAt === Number.POSITIVE_INFINITY;
  }

  /** Whether the breaker may be dropped to make room. */
  get droppable(): boolean {
    return !this.isolatedByName && !this.#probing;
  }

  /** Whether the state last reported is that of a new breaker. */
  get reportedClosed(): boolean {
    return this.#reported === "closed";
  }

  /** Admits a dial; returns `undefined` when it is rejected. A probe must call {@link leave} when it ends. */
  admit(clock: Clock): "through" | "probe" | undefined {
    if (this.state === "closed") {
      this.#strategy ??= this.#parts.newStrategy();
      return "through";
    }
    if (this.state === "open" && clock.now() >= this.#retryAt) this.#change("half_open");
    if (this.state !== "half_open" || this.#probing) return undefined;
    this.#probing = true;
    return "probe";
  }

  /** Time until a probe is admitted, in milliseconds; `undefined` when isolated or half open. */
  retryAfterMs(clock: Clock): number | undefined {
    if (this.state !== "open" || this.isolated) return undefined;
    return Math.ceil(this.#retryAt - clock.now());
  }

  /** Counts the success of a dial that was admitted in `generation`. */
  succeeded(generation: number, clock: Clock, trace: DialTrace | undefined): void {
    if (generation !== this.generation) return;
    notify("a breaker's strategy", () => this.#strategy?.success(circuitState(this.state), clock));
    if (this.state !== "half_open") return;
    this.#change("closed");
    this.report(trace);
  }

  /**
   * Counts the failure of a dial that was admitted in `generation`.
   *
   * @throws what the user's `halfOpenAfterMs` or `random` throws; the state then does not change.
   */
  failed(generation: number, error: unknown, clock: Clock, trace: DialTrace | undefined): void {
    if (generation !== this.generation) return;
    const strategy = this.#strategy;
    const opens =
      strategy &&
      guarded("a breaker's strategy", () =>
        returnedBoolean("withBreaker: breaker().failure", strategy.failure(circuitState(this.state), clock)),
      );
    if (this.state === "closed" && opens !== true) return;
    this.#wait ??= this.#parts.newWait();
    const waitMs = this.#wait(this.#openings + 1, error);
    this.#change("open");
    this.#openings += 1;
    this.#retryAt = clock.now() + waitMs;
    this.openedBy = error;
    this.report(trace);
  }

  /** Ends a probe that was admitted in `generation`, whatever its result. */
  leave(generation: number): void {
    if (generation === this.generation) this.#probing = false;
  }

  /** Calls `breakerChange` if the state differs from the one last reported. */
  report(trace: DialTrace | undefined): void {
    if (this.state === this.#reported) return;
    const previous = this.#reported;
    this.#reported = this.state;
    trace?.breakerChange?.({ target: this.target, state: this.state, previous });
  }

  /** Rejects all dials from now on. */
  isolate(): void {
    this.#change("open");
    this.#retryAt = Number.POSITIVE_INFINITY;
    this.openedBy = undefined;
  }

  /** Returns to the initial state. */
  reset(): void {
    this.#change("closed");
    this.#strategy = undefined;
  }

  #change(state: BreakerState): void {
    this.state = state;
    this.generation += 1;
    this.#probing = false;
    if (state !== "closed") return;
    this.#retryAt = 0;
    this.#openings = 0;
    this.#wait = undefined;
    this.openedBy = undefined;
  }
}

function circuitState(state: BreakerState): CircuitState {
  return state === "closed" ? CircuitState.Closed : CircuitState.HalfOpen;
}
