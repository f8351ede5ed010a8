import { handleRejection, wrongReturn } from "../support/returned.ts";
import { notify, warnOfThrow } from "../support/user-call.ts";
import { checkFunction, invalid, show } from "../support/validate.ts";
import { type Clock, systemClock } from "./clock.ts";

/** Keyed by the user's clock, so that times of the same clock can be compared. */
const checkedClocks = new WeakMap<object, CheckedClock>();

/**
 * Checks a user's clock, once per clock, and returns the clock to use in its place. The system's clock is returned as it is.
 *
 * @throws TypeError naming the method; errors of the clock are rethrown.
 */
export function checkedClock(option: string, clock: unknown): Clock {
  if (clock === systemClock || clock instanceof CheckedClock) return clock as Clock;
  if (typeof clock !== "object" || clock === null) throw notClock(option, clock);
  const known = checkedClocks.get(clock);
  if (known !== undefined) return known;
  const { now, setTimeout, clearTimeout } = clock as Partial<Clock>;
  for (const [name, method] of Object.entries({ now, setTimeout, clearTimeout })) {
    checkFunction(`${option}.${name}`, method);
  }
  const checked = new CheckedClock(clock as Clock, returnedTime(`${option}.now()`, (clock as Clock).now()));
  checkedClocks.set(clock, checked);
  return checked;
}

/** Returns the user's clock that `clock` was made from by {@link checkedClock}. */
export function givenClock(clock: Clock): Clock {
  return clock instanceof CheckedClock ? clock.given : clock;
}

/**
 * A user's clock whose time can be read anywhere, also in a timer or while a connection is destroyed, where an error could
 * not reach a caller. When `now()` throws or returns no time, one warning is emitted, and the time goes on by the system's
 * clock from the last time that was returned.
 */
class CheckedClock implements Clock {
  readonly given: Clock;
  #last: number;
  /** When the last time was returned, by the system's clock. */
  #lastAt = systemClock.now();

  constructor(given: Clock, time: number) {
    this.given = given;
    this.#last = time;
  }

  now(): number {
    const at = systemClock.now();
    try {
      this.#last = returnedTime("a clock's now()", this.given.now());
      this.#lastAt = at;
      return this.#last;
    } catch (error) {
      warnOfThrow("a clock's now()", error);
      return this.#last + (at - this.#lastAt);
    }
  }

  setTimeout(callback: () => void, ms: number): unknown {
    return this.given.setTimeout(callback, ms);
  }

  /** Returns what the user's clock returns: it may be async. */
  clearTimeout(timer: unknown): unknown {
    return this.given.clearTimeout(timer);
  }
}

/**
 * Starts a timer and returns what {@link clearTimer} takes.
 *
 * @param unref - whether the process may exit before the timer fires. @defaultValue false
 * @throws what the user's clock throws.
 */
export function startTimer(clock: Clock, callback: () => void, ms: number, unref = false): unknown {
  const timer = clock.setTimeout(callback, ms);
  if (unref) (timer as Partial<NodeJS.Timeout> | undefined)?.unref?.();
  // A user's clock may be async.
  handleRejection(timer);
  return timer;
}

/** Cancels a timer during cleanup: a user's clock that throws causes one warning instead. */
export function clearTimer(clock: Clock, timer: unknown): void {
  if (clock === systemClock) clock.clearTimeout(timer);
  else notify("a clock's clearTimeout()", () => clock.clearTimeout(timer));
}

/**
 * Calls `start`, which starts a timer by the given clock, where an error could not reach a caller. If the user's clock
 * throws, one warning is emitted, and `start` is called with the system's clock.
 */
export function startUnattended(clock: Clock, start: (clock: Clock) => void): void {
  try {
    start(clock);
  } catch (error) {
    warnOfThrow("a clock's setTimeout()", error);
    start(systemClock);
  }
}

/** Checks a time returned by a user's clock. Throws a `TypeError` unless it is a finite number. */
export function returnedTime(what: string, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw wrongReturn(what, "must return a finite number of milliseconds", value);
}

function notClock(option: string, clock: unknown): TypeError {
  return invalid(TypeError, `${option} must be an object with now, setTimeout and clearTimeout, got ${show(clock)}`);
}
