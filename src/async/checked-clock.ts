import { handleRejection, wrongReturn } from "../support/returned.ts";
import { notify } from "../support/user-call.ts";
import { checkFunction, invalid, show } from "../support/validate.ts";
import { type Clock, systemClock } from "./clock.ts";

const checked = new WeakSet<object>([systemClock]);

/**
 * Checks a user's clock, once per clock: a time that is not a number would make every later time `NaN`.
 *
 * @throws TypeError naming the method; errors of the clock are rethrown.
 */
export function checkClock(option: string, clock: unknown): asserts clock is Clock {
  if (typeof clock !== "object" || clock === null) throw notClock(option, clock);
  if (checked.has(clock)) return;
  const { now, setTimeout, clearTimeout } = clock as Partial<Clock>;
  for (const [name, method] of Object.entries({ now, setTimeout, clearTimeout })) {
    checkFunction(`${option}.${name}`, method);
  }
  returnedTime(`${option}.now()`, (clock as Clock).now());
  checked.add(clock);
}

/**
 * Starts a timer and returns what {@link clearTimer} takes.
 *
 * @param unref - whether the process may exit before the timer fires. @defaultValue false
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

/** Checks a time returned by a user's clock. Throws a `TypeError` unless it is a finite number. */
export function returnedTime(what: string, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw wrongReturn(what, "must return a finite number of milliseconds", value);
}

function notClock(option: string, clock: unknown): TypeError {
  return invalid(TypeError, `${option} must be an object with now, setTimeout and clearTimeout, got ${show(clock)}`);
}
