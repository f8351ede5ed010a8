import { Cancel } from "../../async/cancel.ts";
import type { Clock } from "../../async/clock.ts";
import type { Discovery, DiscoveryContext, TargetList } from "./source.ts";

/** Targets, and how long they are valid. */
export interface Answer {
  readonly list: TargetList;
  readonly freshForMs: number;
}

/**
 * Makes a discovery that queries repeatedly. When a query fails, the last answer stays and the next query follows after
 * `retryMs`; when the first query fails, discovery fails.
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

/** Sleeps without keeping the process alive. An abort ends the sleep and rejects with its reason. */
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
