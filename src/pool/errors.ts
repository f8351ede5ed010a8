import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";

/** No connection came within `acquireTimeoutMs`. Its `reason` is `pool_exhausted`. */
export class PoolTimeoutError extends DialError {
  override readonly name = "PoolTimeoutError";
  /** The bound that was passed, in milliseconds. */
  readonly timeoutMs: number;

  constructor(target: Target, timeoutMs: number, state: string) {
    super(`acquire ${target}: no connection within ${timeoutMs} ms (${state})`, { reason: "pool_exhausted", target });
    this.timeoutMs = timeoutMs;
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
