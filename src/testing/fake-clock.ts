import type { Clock } from "../async/clock.ts";
import type { Middleware } from "../core/dialer.ts";
import { markFactories, markMiddleware } from "../support/roles.ts";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A {@link Clock} that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /** Timers that are set and have not fired. */
  readonly pending: number;
  /**
   * Moves time on by `ms`, firing timers that fall due in order, each at its own time, with the
   * promises that it settles settled before the next.
   */
  advance(ms: number): Promise<void>;
  /** A layer that puts everything beneath it on this clock. */
  readonly layer: Middleware;
}

/** Makes a clock for tests, so that none of them sleeps. */
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

/** Lets promises, and the turn of the event loop that aborts allow for, settle. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
