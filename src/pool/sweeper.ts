import { BackgroundTimer } from "../async/background-timer.ts";
import type { Clock } from "../async/clock.ts";

/** Pause per connection examined, in milliseconds; examining one takes well below a microsecond. */
const pauseMsPerConnection = 0.001;

/** Result of a sweep. */
export interface Sweep {
  /** When the next idle connection is due; `Infinity` for none. */
  readonly next: number;
  /** Connections examined. */
  readonly examined: number;
}

/**
 * Closes idle connections that are due, with one timer for all connections of a pool. The timer does not keep the
 * process alive. With very many connections sweeps are batched, a few milliseconds late.
 */
export class Sweeper {
  readonly #clock: Clock;
  readonly #sweep: (now: number) => Sweep;
  #timer: BackgroundTimer | undefined;
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, sweep: (now: number) => Sweep) {
    this.#clock = clock;
    this.#sweep = sweep;
  }

  /** Schedules a sweep at `dueAt`, unless one is scheduled earlier. */
  schedule(dueAt: number, now: number): void {
    if (dueAt >= this.#dueAt) return;
    this.stop();
    this.#dueAt = dueAt;
    this.#timer = new BackgroundTimer(this.#clock, () => this.#run(), Math.max(0, dueAt - now));
  }

  stop(): void {
    this.#timer?.clear();
    this.#timer = undefined;
    this.#dueAt = Number.POSITIVE_INFINITY;
  }

  #run(): void {
    this.stop();
    const now = this.#clock.now();
    const { next, examined } = this.#sweep(now);
    this.schedule(Math.max(next, now + examined * pauseMsPerConnection), now);
  }
}
