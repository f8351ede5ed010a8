import { DialError, type DialErrorInit } from "../core/errors.ts";

/**
 * A dial that a breaker rejected; nothing was dialed. Its `reason` is `circuit_open`, its `cause` is the failure that
 * opened the breaker, and its `code` is that of the failure.
 */
export class BreakerOpenError extends DialError {
  override readonly name = "BreakerOpenError";
  /**
   * Time until a probe is admitted, in milliseconds; `undefined` when the breaker is isolated, or half open with its
   * probe in progress.
   */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, init: Omit<DialErrorInit, "reason"> & { retryAfterMs: number | undefined }) {
    super(message, { ...init, reason: "circuit_open" });
    this.retryAfterMs = init.retryAfterMs;
  }
}
