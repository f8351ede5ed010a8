// Imported because the global `performance` is a getter, and each dial reads it several times.
import { performance } from "node:perf_hooks";

/** The source of time for all layers. Replace it in tests with `fakeClock()` of `dialtrace/testing`. */
export interface Clock {
  /** Monotonic time in milliseconds: a finite number. */
  now(): number;
  /** Calls `callback` once, `ms` milliseconds from now. */
  setTimeout(callback: () => void, ms: number): unknown;
  /** Cancels what {@link Clock.setTimeout} returned. */
  clearTimeout(timer: unknown): void;
}

/** The clock and timers of the process. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
