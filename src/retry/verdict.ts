import type { Cancel } from "../async/cancel.ts";
import { isPromiseLike, wrongReturn } from "../support/returned.ts";

/**
 * Checks what a user's function has said, and waits where it has promised to. An abort ends the wait at once and
 * rejects with its reason. Leaves no listener.
 *
 * @throws TypeError unless it is `true`, `false` or a promise of one.
 */
export function verdictOf(what: string, said: unknown, cancel: Cancel | undefined): boolean | Promise<boolean> {
  if (typeof said === "boolean") return said;
  if (isPromiseLike(said)) return awaited(what, said, cancel);
  throw notVerdict(what, said);
}

function awaited(what: string, said: PromiseLike<unknown>, cancel: Cancel | undefined): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(cancel?.reason);
    const end = () => cancel?.offAbort(onAbort);
    cancel?.onAbort(onAbort);
    Promise.resolve(said).then(
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
