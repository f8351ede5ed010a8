import { clearTimer } from "../async/checked-clock.ts";
import type { Clock } from "../async/clock.ts";
import { handleRejection } from "../support/returned.ts";

/** What a sweep spares the processor: it takes well below a microsecond for each connection that it looks at. */
const pauseMsPerConnection = 0.001;

/**
 * Closes what is idle for too long, with one timer for all connections of a pool, which doesn't keep the process alive.
 * Sweeps come when something falls due; with very many connections they are put together, some ms late.
 */
export class Sweeper {
  readonly #clock: Clock;
  readonly #sweep: (now: number) => { next: number; looked: number };
  #timer: unknown;
  #dueAt = Number.POSITIVE_INFINITY;

  /** @param sweep - returns when the next will be due, and how many connections it has looked at. */
  constructor(clock: Clock, sweep: (now: number) => { next: number; looked: number }) {
    this.#clock = clock;
    this.#sweep = sweep;
  }

  /** Something falls due at `at`; maybe later than what else does. */
  schedule(at: number, now: number): void {
    if (at >= this.#dueAt) return;
    this.stop();
    this.#dueAt = at;
    this.#timer = this.#clock.setTimeout(() => this.#run(), Math.max(0, at - now));
    (this.#timer as { unref?(): void } | undefined)?.unref?.();
    handleRejection(this.#timer);
  }

  stop(): void {
    if (this.#timer !== undefined) clearTimer(this.#clock, this.#timer);
    this.#timer = undefined;
    this.#dueAt = Number.POSITIVE_INFINITY;
  }

  #run(): void {
    this.stop();
    const now = this.#clock.now();
    const { next, looked } = this.#sweep(now);
    this.schedule(Math.max(next, now + looked * pauseMsPerConnection), now);
  }
}
