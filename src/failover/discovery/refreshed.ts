import { Cancel } from "../../async/cancel.ts";
import { sleep } from "../../async/sleep.ts";
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
        await sleep(freshForMs, clock, cancel, true);
        for (;;) {
          try {
            ({ list, freshForMs } = await ask());
            break;
          } catch {
            await sleep(retryMs, clock, cancel, true);
          }
        }
      }
    },
  };
}
