import type { Middleware } from "../core/dialer.ts";
import { DialError, latenessNote } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import { layer } from "../engine/context.ts";
import { WaitQueue } from "../engine/wait-queue.ts";
import { markFactories } from "../support/roles.ts";
import { checkCount, checkDuration, checkOptions } from "../support/validate.ts";

export interface ConcurrencyLimitOptions {
  /** Dials that may be under way at once beneath this layer. Required. */
  maxConcurrent: number;
  /** Dials that may wait for their turn; one more fails at once. 0 lets none wait. @defaultValue `Infinity` */
  maxWaiting?: number | undefined;
  /** Bound on each wait in milliseconds, 1 to 2^31-1. @defaultValue none: the signal and timeouts above end it */
  waitTimeoutMs?: number | undefined;
}

/**
 * Lets at most `maxConcurrent` dials be under way at once beneath it; the others wait, first come, first served.
 * What is counted are dials, not the connections that they bring: a pool bounds those. Above `withRetry` a
 * dial keeps its turn through its waits between attempts, below it gives its turn back after each attempt.
 * The layer is one limit for all the dialers that it stands in.
 *
 * A dial that finds the line full, or waits too long, fails with reason `pool_exhausted`, which is not retried by default:
 * no server has said no, but a bound of one's own.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @throws DialError from the dial, with reason `pool_exhausted`.
 * @example
 * const dial = compose(withRetry(), withConcurrencyLimit({ maxConcurrent: 10, maxWaiting: 1000 }), tcp());
 */
export function withConcurrencyLimit(options: ConcurrencyLimitOptions): Middleware {
  checkOptions("withConcurrencyLimit", options, { maxConcurrent: true, maxWaiting: true, waitTimeoutMs: true });
  const { maxConcurrent, maxWaiting = Number.POSITIVE_INFINITY, waitTimeoutMs } = options;
  checkCount("withConcurrencyLimit: maxConcurrent", maxConcurrent);
  checkCount("withConcurrencyLimit: maxWaiting", maxWaiting, 0);
  if (waitTimeoutMs !== undefined) checkDuration("withConcurrencyLimit: waitTimeoutMs", waitTimeoutMs);

  const line = new WaitQueue("concurrency");
  let underWay = 0;

  /** Refuses who has waited too long. They all wait for the same time, so those that came first. */
  const expire = (lateByMs = 0) => {
    if (waitTimeoutMs === undefined) return;
    for (let first = line.first; first !== undefined; first = line.first) {
      const leftMs = first.since + waitTimeoutMs - first.clock.now();
      if (leftMs > 0) {
        line.wakeIn(leftMs, first.clock, expire);
        return;
      }
      line.shift();
      first.refuse(
        exhausted(
          first.target,
          `no turn in ${waitTimeoutMs} ms, ${underWay} dials are under way${latenessNote(lateByMs)}`,
        ),
      );
    }
  };

  return layer(
    (next) =>
      async function concurrencyLimitDialer(target, context) {
        const { cancel, trace } = context;
        cancel?.throwIfAborted();
        if (underWay < maxConcurrent) {
          underWay += 1;
        } else {
          if (line.size >= maxWaiting) {
            const error = exhausted(target, `${underWay} dials are under way and ${line.size} wait for their turn`);
            const { reason } = error;
            trace?.limitWait?.({ target, limit: "concurrency", durationMs: 0, outcome: "failure", error, reason });
            throw error;
          }
          const turn = line.wait(target, context);
          expire();
          await turn;
        }
        try {
          cancel?.throwIfAborted();
          return await next(target, context);
        } finally {
          // The turn passes on as it is, so that nobody who comes now can be faster.
          const waiter = line.shift();
          if (waiter === undefined) underWay -= 1;
          else waiter.admit();
        }
      },
    { name: "concurrencyLimit" },
  );
}

markFactories({ withConcurrencyLimit });

function exhausted(target: Target, why: string): DialError {
  return new DialError(`dial ${target}: ${why}`, { reason: "pool_exhausted", target });
}
