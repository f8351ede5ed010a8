import type { Cancel } from "../async/cancel.ts";
import { isPromiseLike, wrongReturn } from "../support/returned.ts";

/**
 * Checks what a user's predicate returned, and awaits it when it is a promise. An abort ends the wait immediately and
 * rejects with the abort's reason. No listener is left behind.
 *
 * @throws TypeError unless it is `true`, `false` or a promise of one of them.
 */
export function verdictOf(what: string, returned: unknown, cancel: Cancel | undefined): boolean | Promise<boolean> {
  if (typeof returned === "boolean") return returned;
  if (isPromiseLike(returned)) return awaited(what, returned, cancel);
  throw notVerdict(what, returned);
}

function awaited(what: string, returned: PromiseLike<unknown>, cancel: Cancel | undefined): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(cancel?.reason);
    const end = () => cancel?.offAbort(onAbort);
    cancel?.onAbort(onAbort);
    Promise.resolve(returned).then(
      (value) => {
        end();
        if (typeof value === "boolean") resolve(value);
        else reject(notVerdict(what, value));
      },
      (error) => {
        end();
        reject(error);
      },
    );
  });
}

function notVerdict(what: string, value: unknown): Error {
  return wrongReturn(what, "must return true or false, or a promise of one", value);
}
