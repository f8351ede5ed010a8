import type { Duplex } from "node:stream";
import { abortable } from "./abort.ts";
import { skips } from "./call.ts";
import { Cancel } from "./cancel.ts";
import { clearTimer } from "./checked-clock.ts";
import type { DialContext, Run } from "./context.ts";
import { DialTimeoutError, messageOf } from "./errors.ts";
import type { DialState } from "./state.ts";
import type { Target } from "./target.ts";

/** Bounds what `next` does in time, and hands the deadline down. */
export function bounded<C extends Duplex>(
  next: Run<C>,
  target: Target,
  context: DialContext<C>,
  timeoutMs: number,
): Promise<C> {
  const { cancel: outer, trace, clock, state } = context;
  if (outer?.aborted) return Promise.reject(outer.reason);
  const cancel = new Cancel();
  const forward = () => cancel.abort(outer?.reason);
  const deadline = earlier(context.deadline, clock.now() + timeoutMs);
  const timer = clock.setTimeout(() => {
    const scope = context.insideRetry ? "attempt" : "dial";
    trace?.timeout?.({ target, scope, timeoutMs });
    cancel.abort(timeoutError(target, timeoutMs, scope, state));
  }, timeoutMs);
  outer?.onAbort(forward);
  const release = () => {
    clearTimer(clock, timer);
    outer?.offAbort(forward);
  };
  return abortable(() => next(target, { ...context, cancel, deadline }), cancel, release);
}

/** The same by the caller's bound, which is not handed on. */
export function boundedByCaller<C extends Duplex>(
  next: Run<C>,
  target: Target,
  context: DialContext<C>,
  timeoutMs: number,
): Promise<C> {
  return bounded(
    next,
    target,
    { ...context, call: context.call && { ...context.call, timeoutMs: undefined } },
    timeoutMs,
  );
}

/** Makes the bound that a caller asks for where no layer beneath takes it over. */
export function makingBound<C extends Duplex>(next: Run<C>, hasTimeout: boolean): Run<C> {
  return function callBoundDialer(target, context) {
    const { call } = context;
    if (call?.timeoutMs === undefined || (hasTimeout && !skips(call, "timeout"))) return next(target, context);
    return boundedByCaller(next, target, context, call.timeoutMs);
  };
}

function earlier(deadline: number | undefined, other: number): number {
  return deadline === undefined ? other : Math.min(deadline, other);
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
