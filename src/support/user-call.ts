import { isError } from "./is-error.ts";
import { messageOf } from "./message.ts";
import { handleRejection, isPromiseLike, wrongReturn } from "./returned.ts";
import { warnOnce } from "./warn.ts";

/**
 * Calls a user's function and ignores its result. An error that it throws or rejects with is not passed on, and is
 * reported by a process warning once per `what`.
 */
export function notify(what: string, call: () => unknown): void {
  try {
    handleRejection(call(), (error) => warnOfThrow(what, error));
  } catch (error) {
    warnOfThrow(what, error);
  }
}

/**
 * Calls a user's function and returns its result. An error that it throws is not passed on, and is reported by a
 * process warning once per `what`. A promise is not awaited and counts as an error.
 */
export function guarded<T>(what: string, call: () => T): T | undefined {
  try {
    const value = call();
    if (isPromiseLike(value)) throw wrongReturn(what, "must return its value at once", value);
    return value;
  } catch (error) {
    warnOfThrow(what, error);
    return undefined;
  }
}

/** Reports, once for each `what`, that a user's function threw. */
export function warnOfThrow(what: string, error: unknown): void {
  warnOnce(`${what} threw and was ignored; its later throws are not reported`, () =>
    isError(error) ? (error.stack ?? error.message) : messageOf(error),
  );
}
