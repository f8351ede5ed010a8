import { handleRejection } from "../support/returned.ts";
import type { Cancel } from "./cancel.ts";
import { clearTimer } from "./checked-clock.ts";
import type { Clock } from "./clock.ts";

/**
 * Waits `ms` milliseconds. An abort rejects immediately with its reason.
 *
 * @param unref - whether the process may exit during the wait. @defaultValue false
 */
export function sleep(ms: number, clock: Clock, cancel: Cancel | undefined, unref = false): Promise<void> {
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
    if (unref) (timer as Partial<NodeJS.Timeout> | undefined)?.unref?.();
    // A user's clock may be async.
    handleRejection(timer);
  });
}
