import type { Duplex } from "node:stream";
import { withDeadline } from "../async/deadline.ts";
import { DialTimeoutError, timeoutMessage } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import { messageOf } from "../support/message.ts";
import type { DialContext, Run } from "./context.ts";
import { skips } from "./dial-overrides.ts";
import type { DialState } from "./dial-state.ts";

/** Bounds what `next` does in time, and hands the deadline down. */
export function bounded<C extends Duplex>(
  next: Run<C>,
  target: Target,
  context: DialContext<C>,
  timeoutMs: number,
): Promise<C> {
  const { cancel, trace, clock, state } = context;
  const deadline = earlier(context.deadline, clock.now() + timeoutMs);
  const onPassed = (lateByMs: number) => {
    const scope = context.insideRetry ? "attempt" : "dial";
    trace?.timeout?.({ target, scope, timeoutMs });
    return timeoutError(target, { timeoutMs, scope, lateByMs }, state);
  };
  return withDeadline({ clock, timeoutMs, cancel, onPassed }, (inner) =>
    next(target, { ...context, cancel: inner, deadline }),
  );
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

interface Passed {
  readonly timeoutMs: number;
  readonly scope: "dial" | "attempt";
  readonly lateByMs: number;
}

function timeoutError(target: Target, passed: Passed, state: DialState | undefined): DialTimeoutError {
  const { timeoutMs, lateByMs } = passed;
  const init = { ...passed, target, attemptCount: state?.attempts };
  // The attempts before are told of by what ends the dial. An attempt's own error must not hold them: each
  // would hold the one before it, without end.
  if (passed.scope === "attempt") {
    const which = state?.attempts ? `attempt ${state.attempts}` : "an attempt";
    return new DialTimeoutError(timeoutMessage(`${which} to dial ${target}`, timeoutMs, lateByMs), init);
  }
  const last = state?.failures.at(-1);
  const before = last ? `; attempt ${last.attempt} before failed: ${messageOf(last.error)}` : "";
  return new DialTimeoutError(`${timeoutMessage(`dial ${target}`, timeoutMs, lateByMs)}${before}`, {
    ...init,
    attempts: state && [...state.failures],
  });
}
