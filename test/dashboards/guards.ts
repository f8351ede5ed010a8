import { setTimeout as sleep } from "node:timers/promises";
import { withBreaker } from "../../src/breaker.ts";
import {
  compose,
  type Middleware,
  tcp,
  withConcurrencyLimit,
  withFailover,
  withRateLimit,
  withRetry,
} from "../../src/index.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import { goodPeer } from "../support/peers.ts";
import type { Part, Stage } from "./stage.ts";

export const guardNumbers = {
  /** Consecutive failures that open the breakers of `guarded`. */
  consecutive: 3,
  /** Number of dials of `spread`, each of which fails over to the second target. */
  failovers: 6,
  /**
   * Limits of `limited`: two dials at a time, and one in this many milliseconds. Of concurrent dials, the second waits for the rate
   * limit. The third waits until the first has ended. The speed of a dial does not change this.
   */
  everyMs: 100,
  /** Number of concurrent dials of `limited`. */
  burst: 4,
};

/**
 * Layers between callers and attempts: breakers that stay open (`guarded`) and one that closes again (`healed`),
 * failovers (`spread`), and waits at limits (`limited`).
 */
export async function prepareGuards({ registries, unserved, keep, dialer, dial, goOn, tally }: Stage): Promise<Part> {
  const db = keep(await goodPeer());
  const opening = () => withBreaker({ breaker: { consecutive: guardNumbers.consecutive }, halfOpenAfterMs: 200 });
  let failures = 0;
  const failsTwice: Middleware = (next) => (target, options) => {
    failures += 1;
    return next(failures <= 2 ? unserved : target, options);
  };
  const dialers = {
    "guarded a": compose(
      withPrometheus({ registry: registries.a, name: "guarded", endpoints: [unserved] }),
      opening(),
      tcp(),
    ),
    "guarded b": dialer("b", "guarded", opening(), tcp()),
    "healed a": dialer(
      "a",
      "healed",
      withBreaker({ breaker: { consecutive: 2 }, halfOpenAfterMs: 50 }),
      failsTwice,
      tcp(),
    ),
    "spread b": dialer(
      "b",
      "spread",
      withRetry({ maxAttempts: 2, initialBackoffMs: 5, jitter: "none" }),
      withFailover({ targets: [unserved, db.address], ejectAfter: Number.POSITIVE_INFINITY }),
      tcp(),
    ),
    "limited a": dialer(
      "a",
      "limited",
      withConcurrencyLimit({ maxConcurrent: 2 }),
      withRateLimit({ dialsPerSecond: 1000 / guardNumbers.everyMs, burst: 1 }),
      tcp(),
    ),
  };
  const make = (label: keyof typeof dialers, target = db.address) => dial(label, dialers[label], target);
  const makeMany = (label: keyof typeof dialers, count: number) =>
    Promise.all(Array.from({ length: count }, () => make(label)));

  return {
    async play(scraped) {
      goOn(50, () => make("guarded a", unserved));
      goOn(50, () => make("guarded b", unserved));
      while (tally.of("healed a succeeded") === 0) {
        await make("healed a");
        await sleep(20);
      }
      for (let count = 0; count < guardNumbers.failovers; count += 1) await make("spread b");
      // The series of waits begin with the first wait.
      await makeMany("limited a", 3);
      await scraped();
      const begun = performance.now();
      await makeMany("limited a", guardNumbers.burst);
      tally.add("limited a burst", (performance.now() - begun) / 1000);
    },
  };
}
