import { CircuitState } from "cockatiel";
import type { BackoffFunction } from "../async/backoff.ts";
import type { Clock } from "../async/clock.ts";
import type { BreakerState } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import { returnedBoolean } from "../support/returned.ts";
import { guarded, notify } from "../support/user-call.ts";
import type { BreakerStrategy } from "./strategy.ts";

/** What the breakers of one `withBreaker` have in common. */
export interface BreakerParts {
  readonly newStrategy: () => BreakerStrategy;
  readonly newWait: () => BackoffFunction;
}

/**
 * The breaker of one target. cockatiel's own `CircuitBreakerPolicy` would have those who come while a
 * probe is under way wait for it, takes an abort of the probe for a success, reads `Date.now()` and does
 * not say for how long it stays open; so only its strategies are used.
 */
export class Breaker {
  readonly target: Target;
  state: BreakerState = "closed";
  /** Whether it was isolated by name: then it must not be forgotten. */
  isolatedByName = false;
  /** Number of the dial that met it last. */
  lastDial = 0;
  /**
   * Grows with each change, by hand too. The results of dials that were let in before count nothing: they
   * tell of a time that is over.
   */
  generation = 0;
  /** What has opened it; nothing when that was done by hand. */
  openedBy: unknown;
  /** The state that dials were told of last. */
  #told: BreakerState = "closed";
  #probing = false;
  /** When a probe may go through, by the clock of the dial that has opened it. */
  #retryAt = 0;
  /** How many times in a row it has opened. */
  #openings = 0;
  #strategy: BreakerStrategy | undefined;
  #wait: BackoffFunction | undefined;
  readonly #parts: BreakerParts;

  constructor(target: Target, parts: BreakerParts) {
    this.target = target;
    this.#parts = parts;
  }

  /** Whether it rejects everything until {@link reset}. */
  get isolated(): boolean {
    return this.#retryAt === Number.POSITIVE_INFINITY;
  }

  /** Whether it may be forgotten to make room. */
  get droppable(): boolean {
    return !this.isolatedByName && !this.#probing;
  }

  /** Whether no dial has been told of another state than that of a new breaker. */
  get toldClosed(): boolean {
    return this.#told === "closed";
  }

  /** Lets a dial in, or doesn't. A probe must {@link leave}. */
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

  /** How long until a probe is let through, to a dial that was not admitted; `undefined` where time alone won't do. */
  retryAfterMs(clock: Clock): number | undefined {
    if (this.state !== "open" || this.isolated) return undefined;
    return Math.ceil(this.#retryAt - clock.now());
  }

  /** Counts a success of a dial that was let in as `generation`. */
  succeeded(generation: number, clock: Clock, trace: DialTrace | undefined): void {
    if (generation !== this.generation) return;
    notify("a breaker's strategy", () => this.#strategy?.success(circuitState(this.state), clock));
    if (this.state !== "half_open") return;
    this.#change("closed");
    this.tell(trace);
  }

  /**
   * Counts a failure of a dial that was let in as `generation`.
   *
   * @throws what the function of the waits throws; then nothing has changed.
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
    this.tell(trace);
  }

  /** Frees the place of a probe that was let in as `generation` and has ended, however it has. */
  leave(generation: number): void {
    if (generation === this.generation) this.#probing = false;
  }

  /** Tells a dial of the state, if the dial before was told of another. */
  tell(trace: DialTrace | undefined): void {
    if (this.state === this.#told) return;
    const previous = this.#told;
    this.#told = this.state;
    trace?.breakerChange?.({ target: this.target, state: this.state, previous });
  }

  /** Rejects everything from now on. */
  isolate(): void {
    this.#change("open");
    this.#retryAt = Number.POSITIVE_INFINITY;
    this.openedBy = undefined;
  }

  /** Begins anew. */
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
