import type { Middleware } from "../core/dialer.ts";
import { runWithOwnTimeout, runWithTimeout } from "../engine/bound.ts";
import { layer } from "../engine/context.ts";
import { markFactories } from "../support/roles.ts";
import { checkDuration, checkOptions } from "../support/validate.ts";

export interface TimeoutOptions {
  /** Bound in milliseconds, 1 to 2^31-1. Required: no default fits every place among the layers. */
  timeoutMs: number;
}

/**
 * Bounds everything beneath it in time. Above `withRetry` that is the whole dial, every attempt and
 * wait included; below it, one attempt. When the time is up the work beneath is aborted and the dial
 * rejects at once; a connection that comes late is destroyed. A dial may bring a bound of its own, which
 * stands in the place of the outermost: `dial(target, { timeoutMs })`.
 *
 * @throws RangeError at construction, when `timeoutMs` is out of range.
 * @throws DialTimeoutError from the dial, with the attempts that had failed before.
 * @example
 * const dial = compose(withTimeout({ timeoutMs: 10_000 }), withRetry(), withTimeout({ timeoutMs: 2_000 }), tcp());
 */
export function withTimeout(options: TimeoutOptions): Middleware {
  checkOptions("withTimeout", options, { timeoutMs: true });
  const { timeoutMs } = options;
  checkDuration("withTimeout: timeoutMs", timeoutMs);

  return layer(
    (next) =>
      function timeoutDialer(target, context) {
        const asked = context.call?.timeoutMs;
        if (asked !== undefined) return runWithOwnTimeout(next, target, context, asked);
        return runWithTimeout(next, target, context, timeoutMs);
      },
    { name: "timeout", bounds: true },
  );
}

markFactories({ withTimeout });
