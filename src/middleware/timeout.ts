import { abortable } from "../core/abort.ts";
import { Cancel } from "../core/cancel.ts";
import { layer } from "../core/context.ts";
import type { Middleware } from "../core/dialer.ts";
import { DialTimeoutError, messageOf } from "../core/errors.ts";
import type { DialState } from "../core/state.ts";
import type { Target } from "../core/target.ts";
import { checkDuration, checkOptions } from "../core/validate.ts";

export interface TimeoutOptions {
  /** Bound in milliseconds, 1 to 2^31-1. Required: no default fits every place among the layers. */
  timeoutMs: number;
}

/**
 * Bounds everything beneath it in time. Above `withRetry` that is the whole dial, every attempt and
 * wait included; below it, one attempt. When the time is up the work beneath is aborted and the dial
 * rejects at once; a connection that comes late is destroyed.
 *
 * @throws RangeError at construction, when `timeoutMs` is out of range.
 * @throws DialTimeoutError from the dial, with the attempts that had failed before.
 * @example
 * const dial = compose(withTimeout({ timeoutMs: 10_000 }), withRetry(), withTimeout({ timeoutMs: 2_000 }), tcp());
 */
export function withTimeout(options: TimeoutOptions): Middleware {
  checkOptions("withTimeout", options, ["timeoutMs"]);
  const { timeoutMs } = options;
  checkDuration("withTimeout: timeoutMs", timeoutMs);

  return layer(
    (next) =>
      function timeoutDialer(target, context) {
        const { cancel: outer, trace, clock, state } = context;
        if (outer?.aborted) return Promise.reject(outer.reason);
        const cancel = new Cancel();
        const forward = () => cancel.abort(outer?.reason);
        outer?.onAbort(forward);
        const timer = clock.setTimeout(() => {
          const scope = context.insideRetry ? "attempt" : "dial";
          trace?.timeout?.({ target, scope, timeoutMs });
          cancel.abort(timeoutError(target, timeoutMs, scope, state));
        }, timeoutMs);
        const release = () => {
          clock.clearTimeout(timer);
          outer?.offAbort(forward);
        };
        return abortable(() => next(target, { ...context, cancel }), cancel, release);
      },
  );
}

function timeoutError(target: Target, timeoutMs: number, scope: "dial" | "attempt", state: DialState | undefined) {
  const init = { scope, timeoutMs, target, attemptCount: state?.attempts };
  // The attempts before are told of by what ends the dial. An attempt's own error must not hold them: each
  // would hold the one before it, without end.
  if (scope === "attempt") {
    const which = state?.attempts ? `attempt ${state.attempts}` : "an attempt";
    return new DialTimeoutError(`${which} to dial ${target} timed out after ${timeoutMs} ms`, init);
  }
  const last = state?.failures.at(-1);
  const before = last ? `; attempt ${last.attempt} before failed: ${messageOf(last.error)}` : "";
  return new DialTimeoutError(`dial ${target} timed out after ${timeoutMs} ms${before}`, {
    ...init,
    attempts: state && [...state.failures],
  });
}
