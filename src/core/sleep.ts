import type { Cancel } from "./cancel.ts";
import type { Clock } from "./clock.ts";

/** Waits `ms` milliseconds; an abort ends the wait at once and rejects with its reason. */
export function sleep(ms: number, clock: Clock, cancel: Cancel | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clock.clearTimeout(timer);
      reject(cancel?.reason);
    };
    const timer = clock.setTimeout(() => {
      cancel?.offAbort(onAbort);
      resolve();
    }, ms);
    cancel?.onAbort(onAbort);
  });
}
