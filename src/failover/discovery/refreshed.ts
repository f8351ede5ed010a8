import { Cancel } from "../../async/cancel.ts";
import type { Clock } from "../../async/clock.ts";
import type { Discovery, DiscoveryContext, TargetList } from "./source.ts";

/** Targets, and for how long they are good. */
export interface Answer {
  readonly list: TargetList;
  readonly freshForMs: number;
}

/**
 * Asks again and again. When asking fails the last answer stays and it is asked again after `retryMs`; when the first asking
 * fails, so does the discovery.
 */
export function refreshed(begin: (signal: AbortSignal) => () => Promise<Answer>, retryMs: number): Discovery {
  return {
    async *watch({ clock, signal }: DiscoveryContext): AsyncGenerator<TargetList> {
      const cancel = Cancel.of(signal);
      const ask = begin(signal);
      let { list, freshForMs } = await ask();
      for (;;) {
        yield list;
        await idle(freshForMs, clock, cancel);
        for (;;) {
          try {
            ({ list, freshForMs } = await ask());
            break;
          } catch {
            await idle(retryMs, clock, cancel);
          }
        }
      }
    },
  };
}

/** Waits, without keeping the process alive for it; an abort ends the wait and rejects with its reason. */
function idle(ms: number, clock: Clock, cancel: Cancel): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clock.clearTimeout(timer);
      reject(cancel.reason);
    };
    const timer = clock.setTimeout(() => {
      cancel.offAbort(onAbort);
      resolve();
    }, ms);
    (timer as Partial<NodeJS.Timeout> | undefined)?.unref?.();
    cancel.onAbort(onAbort);
  });
}
