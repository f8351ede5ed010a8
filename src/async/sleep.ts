import { handleRejection } from "../support/returned.ts";
import type { Cancel } from "./cancel.ts";
import { clearTimer } from "./checked-clock.ts";
import type { Clock } from "./clock.ts";

/** Waits `ms` milliseconds; an abort ends the wait at once and rejects with its reason. */
export function sleep(ms: number, clock: Clock, cancel: Cancel | undefined): Promise<void> {
  if (cancel?.aborted) return Promise.reject(cancel.reason);
  return new Promise((resolve, reject) => {
    let timer: unknown;
    const onAbort = () => {
      clearTimer(clock, timer);
      reject(cancel?.reason);
    };
    // Before the timer: a clock may call back at once.
    cancel?.onAbort(onAbort);
    timer = clock.setTimeout(() => {
      cancel?.offAbort(onAbort);
      resolve();
    }, ms);
    // A clock of the user's may be async.
    handleRejection(timer);
  });
}
