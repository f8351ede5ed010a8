import type { Duplex } from "node:stream";
import type { Middleware } from "../core/dialer.ts";
import { DialError, latenessNote } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import { type DialContext, layer } from "../engine/context.ts";
import { LimitQueue } from "../engine/limit-queue.ts";
import { delayed } from "../engine/worst-case.ts";
import { markFactories } from "../support/roles.ts";
import { checkCount, checkDuration, checkOptions } from "../support/validate.ts";

/** Options of {@link withConcurrencyLimit}. */
export interface ConcurrencyLimitOptions {
  /** Maximum number of dials in progress beneath this layer, from 1. Required. */
  maxConcurrent: number;
  /** Maximum number of dials in the queue, from 0; a dial that finds it full fails. @defaultValue `Infinity` */
  maxWaiting?: number | undefined;
  /** Timeout of each wait in milliseconds, 1 to 2^31-1. @defaultValue none; the signal and the timeouts above apply */
  waitTimeoutMs?: number | undefined;
}

/**
 * Limits the number of dials in progress beneath it; the others wait in a FIFO queue. It limits dials, not open
 * connections: use a pool for those. Above `withRetry` a dial keeps its slot during retry delays; below it, it releases
 * the slot after each attempt. All dialers composed with one layer share its limit.
 *
 * When the queue is full or a wait times out, the dial fails with reason `pool_exhausted`. That is not retried by default:
 * the limit is local, and no server has failed.
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
  const limit = new ConcurrencyLimit(maxConcurrent, maxWaiting, waitTimeoutMs);
  const mayWait = maxConcurrent !== Number.POSITIVE_INFINITY && maxWaiting > 0;
  const longestWaitMs = mayWait ? (waitTimeoutMs ?? Number.POSITIVE_INFINITY) : 0;

  return layer(
    (next) =>
      async function concurrencyLimitDialer(target, context) {
        const { cancel } = context;
        cancel?.throwIfAborted();
        const wait = limit.acquire(target, context);
        if (wait !== undefined) await wait;
        try {
          cancel?.throwIfAborted();
          return await next(target, context);
        } finally {
          limit.release();
        }
      },
    {
      factory: "withConcurrencyLimit",
      name: "concurrencyLimit",
      timeout: waitTimeoutMs === undefined ? undefined : { option: "waitTimeoutMs", ms: waitTimeoutMs },
      options: () => ({ maxConcurrent, maxWaiting, waitTimeoutMs }),
      worstCase: (beneath, withinMs) => delayed(beneath(withinMs), longestWaitMs),
    },
  );
}

markFactories({ withConcurrencyLimit });

/** Slots for dials in progress, with a queue of the dials that wait for one. */
class ConcurrencyLimit {
  readonly #maxConcurrent: number;
  readonly #maxWaiting: number;
  readonly #queue: LimitQueue;
  #inProgress = 0;

  constructor(maxConcurrent: number, maxWaiting: number, waitTimeoutMs = Number.POSITIVE_INFINITY) {
    this.#maxConcurrent = maxConcurrent;
    this.#maxWaiting = maxWaiting;
    this.#queue = new LimitQueue("concurrency", {
      timeoutMs: waitTimeoutMs,
      onTimeout: (waiter, lateByMs) => {
        const why = `timed out after ${waitTimeoutMs} ms (${this.#inProgress} in progress)${latenessNote(lateByMs)}`;
        this.#queue.remove(waiter);
        waiter.refuse(exhausted(waiter.target, why));
      },
    });
  }

  /**
   * Takes a slot if one is free; otherwise returns a promise that resolves when the dial receives one.
   *
   * @throws DialError when the queue is full.
   */
  acquire<C extends Duplex>(target: Target, context: DialContext<C>): Promise<void> | undefined {
    if (this.#inProgress < this.#maxConcurrent) {
      this.#inProgress += 1;
      return undefined;
    }
    if (this.#queue.size >= this.#maxWaiting) {
      const error = exhausted(target, `queue full (${this.#inProgress} in progress, ${this.#queue.size} waiting)`);
      const { reason } = error;
      context.trace?.limitWait?.({
        target,
        limit: "concurrency",
        durationMs: 0,
        outcome: "failure",
        error,
        reason,
      });
      throw error;
    }
    return this.#queue.wait(target, context);
  }

  /** Returns a slot. It passes directly to the first dial in the queue, so that a new dial cannot overtake it. */
  release(): void {
    const waiter = this.#queue.shift();
    if (waiter === undefined) this.#inProgress -= 1;
    else waiter.admit();
  }
}

function exhausted(target: Target, why: string): DialError {
  return new DialError(`dial ${target}: concurrency limit: ${why}`, { reason: "pool_exhausted", target });
}
