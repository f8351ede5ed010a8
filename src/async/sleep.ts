import type { Cancel } from "./cancel.ts";
import { clearTimer, startTimer } from "./checked-clock.ts";
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
    const onTime = () => {
      cancel?.offAbort(onAbort);
      resolve();
    };
    try {
      timer = startTimer(clock, onTime, ms, unref);
    } catch (error) {
      cancel?.offAbort(onAbort);
      throw error;
    }
  });
}
