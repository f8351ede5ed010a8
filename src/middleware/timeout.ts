import type { Middleware } from "../core/dialer.ts";
import { runWithOwnTimeout, runWithTimeout } from "../engine/bound.ts";
import { layer } from "../engine/context.ts";
import { within } from "../engine/worst-case.ts";
import { markFactories } from "../support/roles.ts";
import { checkDuration, checkOptions } from "../support/validate.ts";

/** Options of {@link withTimeout}. */
export interface TimeoutOptions {
  /** Timeout in milliseconds, 1 to 2^31-1. Required: no default fits every position. */
  timeoutMs: number;
}

/**
 * Limits the duration of everything beneath it: above `withRetry` the whole dial with all attempts and delays, below it
 * one attempt. At the deadline the work beneath is aborted and the dial rejects immediately; a connection that is
 * established later is destroyed. The `timeoutMs` of a dial, `dial(target, { timeoutMs })`, replaces the outermost timeout.
 *
 * @throws RangeError or TypeError at construction, naming the option.
 * @throws DialTimeoutError from the dial, with the errors of the attempts that failed before.
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
    {
      factory: "withTimeout",
      name: "timeout",
      emits: ["timeout"],
      bounds: true,
      timeout: { option: "timeoutMs", ms: timeoutMs },
      options: () => ({ timeoutMs }),
      worstCase: (beneath, withinMs) => within(beneath(Math.min(timeoutMs, withinMs)), timeoutMs),
    },
  );
}

markFactories({ withTimeout });
