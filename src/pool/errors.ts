import { DialError, DialTimeoutError, latenessNote } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import type { PoolCounts } from "./pool-trace.ts";

/** An acquire that got no connection within `acquireTimeoutMs`. Its `reason` is `pool_exhausted`. */
export class PoolTimeoutError extends DialError {
  override readonly name = "PoolTimeoutError";
  /** The `acquireTimeoutMs` that expired, in milliseconds. */
  readonly timeoutMs: number;
  /** How late the timer fired because the event loop was blocked, in whole milliseconds; 0 when it was on time. */
  readonly lateByMs: number;

  constructor(target: Target, timeoutMs: number, state: string, lateByMs = 0) {
    const message = `acquire ${target}: no connection within ${timeoutMs} ms (${state})${latenessNote(lateByMs)}`;
    super(message, { reason: "pool_exhausted", target });
    this.timeoutMs = timeoutMs;
    this.lateByMs = lateByMs;
  }
}

/** An acquire that was rejected because `maxWaiting` others were waiting. Its `reason` is `pool_exhausted`. */
export class PoolFullError extends DialError {
  override readonly name = "PoolFullError";

  constructor(target: Target, state: string) {
    super(`acquire ${target}: too many acquires are waiting (${state})`, {
      reason: "pool_exhausted",
      target,
    });
  }
}

/** An acquire from a pool that is draining or closed. Its `reason` is `pool_exhausted`: retrying does not help. */
export class PoolClosedError extends DialError {
  override readonly name = "PoolClosedError";

  constructor(target: Target) {
    super(`acquire ${target}: the pool is closed`, { reason: "pool_exhausted", target });
  }
}

/** Describes the state of a pool in an error message. */
export function describeCounts({ used, dialing, waiting }: PoolCounts, maxOpen: number): string {
  const limit = maxOpen === Number.POSITIVE_INFINITY ? "" : ` of ${maxOpen}`;
  return `${used}${limit} in use, ${dialing} being dialed, ${waiting} waiting`;
}

/** Aborts a dial that no waiter needs after the last one timed out. */
export function unneededError(target: Target, timeoutMs: number, lateByMs: number): DialTimeoutError {
  const message = `dial ${target}: no acquire waits for it after ${timeoutMs} ms`;
  return new DialTimeoutError(message, { scope: "dial", timeoutMs, lateByMs, target });
}
