import { DialError, type DialErrorInit } from "../core/errors.ts";

/**
 * A dial that a breaker did not let through: nothing was dialed. Its reason is `circuit_open`, its
 * `cause` the failure that opened the breaker, and its `code` that failure's.
 */
export class BreakerOpenError extends DialError {
  override readonly name = "BreakerOpenError";
  /**
   * Milliseconds until a dial is let through to probe; `undefined` where time alone doesn't open the
   * way: the breaker is isolated by hand, or half open and its probe is still under way.
   */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, init: Omit<DialErrorInit, "reason"> & { retryAfterMs: number | undefined }) {
    super(message, { ...init, reason: "circuit_open" });
    this.retryAfterMs = init.retryAfterMs;
  }
}
