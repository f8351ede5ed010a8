import { isError } from "./is-error.ts";
import { maxTimerMs, show } from "./validate.ts";

/** Whether `value` can be awaited: a promise, of any realm or library. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === "object" && value !== null) || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

/** Passes the rejection of `value`, if it is a promise, to `onRejected`. Unhandled, it would end the process. */
export function handleRejection(value: unknown, onRejected: (error: unknown) => void = ignore): void {
  if (isPromiseLike(value)) Promise.resolve(value).catch(onRejected);
}

function ignore(): void {}

/**
 * Returns the error for a user's function that returned a wrong value. Its code classifies it as `config`, which
 * `withRetry` does not retry by default. If the value is a promise, its rejection is handled.
 *
 * @param what - the function, such as `withRetry: shouldRetry`.
 * @param rule - what it must do, such as `must return true or false`.
 */
export function wrongReturn(what: string, rule: string, value: unknown, Kind: ErrorConstructor = TypeError): Error {
  handleRejection(value);
  const shown = isPromiseLike(value) ? "a promise" : show(value);
  return asMistake(new Kind(`${what} ${rule}, got ${shown}`));
}

/** Gives `error` the code of a wrong return value, unless it has a code of its own. */
export function asMistake<E>(error: E): E {
  if (!isError(error) || "code" in error) return error;
  return Object.assign(error, { code: "ERR_INVALID_RETURN_VALUE" });
}

/**
 * Checks a delay returned by a user's function.
 *
 * @throws TypeError for a promise, RangeError for any other value that is not a delay that timers of Node support.
 */
export function returnedWait(what: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= maxTimerMs) return value;
  throw wrongReturn(what, `must be a number of milliseconds from 0 to ${maxTimerMs}`, value, kindFor(value));
}

/** Checks the result of a user's function. Throws a `TypeError` unless it is `true` or `false`. */
export function returnedBoolean(what: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw wrongReturn(what, "must return true or false", value);
}

/**
 * Wraps a source of randomness and checks its numbers, because a number out of range would select `undefined` or `NaN`.
 *
 * @param range - `to 1` if 1 itself is allowed. @defaultValue `to below 1`
 */
export function checkedRandom(
  what: string,
  random: () => number,
  range: "to 1" | "to below 1" = "to below 1",
): () => number {
  const takesOne = range === "to 1";
  if (random === Math.random) return random;
  return function checkedRandom() {
    const value: unknown = random();
    if (typeof value === "number" && value >= 0 && (value < 1 || (takesOne && value === 1))) return value;
    throw wrongReturn(what, `must return a number from 0 ${range}`, value, kindFor(value));
  };
}

/** Returns `TypeError` for a promise and `RangeError` for any other value that is not a number in range. */
function kindFor(value: unknown): ErrorConstructor {
  return isPromiseLike(value) ? TypeError : RangeError;
}
