// Not the global one, which is found by a getter: it is read several times in each dial.
import { performance } from "node:perf_hooks";

/** The one seam through which time comes in. Replace it in tests with `fakeClock()` of `dialtrace/testing`. */
export interface Clock {
  /** Monotonic time in milliseconds: a finite number. */
  now(): number;
  /** Calls `callback` once, `ms` milliseconds from now. */
  setTimeout(callback: () => void, ms: number): unknown;
  /** Cancels what {@link Clock.setTimeout} returned. */
  clearTimeout(timer: unknown): void;
}

/** The process' own clock and timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
