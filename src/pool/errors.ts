import { DialError, latenessNote } from "../core/errors.ts";
import type { Target } from "../core/target.ts";

/** No connection came within `acquireTimeoutMs`. Its `reason` is `pool_exhausted`. */
export class PoolTimeoutError extends DialError {
  override readonly name = "PoolTimeoutError";
  /** The bound that was passed, in milliseconds. */
  readonly timeoutMs: number;
  /** By how many whole milliseconds the event loop was late to see that; 0 when it was on time. */
  readonly lateByMs: number;

  constructor(target: Target, timeoutMs: number, state: string, lateByMs = 0) {
    const message = `acquire ${target}: no connection within ${timeoutMs} ms (${state})${latenessNote(lateByMs)}`;
    super(message, { reason: "pool_exhausted", target });
    this.timeoutMs = timeoutMs;
    this.lateByMs = lateByMs;
  }
}

/** As many as `maxWaiting` wait already. Its `reason` is `pool_exhausted`. */
export class PoolFullError extends DialError {
  override readonly name = "PoolFullError";

  constructor(target: Target, state: string) {
    super(`acquire ${target}: too many wait already (${state})`, { reason: "pool_exhausted", target });
  }
}

/** The pool is being drained, or is closed. Its `reason` is `pool_exhausted`: trying again won't help. */
export class PoolClosedError extends DialError {
  override readonly name = "PoolClosedError";

  constructor(target: Target) {
    super(`acquire ${target}: the pool is closed`, { reason: "pool_exhausted", target });
  }
}
