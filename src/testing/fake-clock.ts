import type { Clock } from "../async/clock.ts";
import type { Middleware } from "../core/dialer.ts";
import { markFactories, markMiddleware } from "../support/roles.ts";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A {@link Clock} that only moves when it is advanced. */
export interface FakeClock extends Clock {
  /** Number of timers that have not fired. */
  readonly pending: number;
  /**
   * Advances the time by `ms` milliseconds. Due timers fire in order, each at its own time; promises that a timer settles
   * are processed before the next timer fires.
   */
  advance(ms: number): Promise<void>;
  /** A layer that passes this clock to everything beneath it. */
  readonly layer: Middleware;
}

/**
 * Creates a clock for tests, so that they do not sleep.
 *
 * @example
 * const clock = fakeClock();
 * const dial = compose(clock.layer, withRetry(), scriptedDialer([new Error("no"), "connect"]));
 */
export function fakeClock(): FakeClock {
  let now = 0;
  const timers = new Set<Timer>();
  const clock = {
    now: () => now,
    setTimeout(callback: () => void, ms: number) {
      const timer = { at: now + ms, callback };
      timers.add(timer);
      return timer;
    },
    clearTimeout(timer: unknown) {
      timers.delete(timer as Timer);
    },
    get pending() {
      return timers.size;
    },
    async advance(ms: number) {
      const end = now + ms;
      await settle();
      for (let next = earliest(timers, end); next !== undefined; next = earliest(timers, end)) {
        now = next.at;
        timers.delete(next);
        next.callback();
        await settle();
      }
      now = end;
    },
    layer: ((dialer) => (target, options) => dialer(target, { ...options, clock })) as Middleware,
  };
  markMiddleware(clock.layer);
  return clock;
}

markFactories({ fakeClock });

function earliest(timers: ReadonlySet<Timer>, end: number): Timer | undefined {
  let first: Timer | undefined;
  for (const timer of timers) {
    if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer;
  }
  return first;
}

/** Waits until promises are settled, including the turn of the event loop that an abort takes. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
