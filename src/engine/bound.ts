import type { Duplex } from "node:stream";
import { TimedCancel } from "../async/deadline.ts";
import { DialTimeoutError, timeoutMessage } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import { discard } from "../support/connection.ts";
import { messageOf } from "../support/message.ts";
import type { DialContext, Run } from "./context.ts";
import { skips } from "./dial-overrides.ts";
import type { DialState } from "./dial-state.ts";

/**
 * Runs `next` under a timeout, and passes the deadline on. When the time is up the work beneath is aborted. Everything
 * beneath settles within a turn of an abort: attempts and layers from outside are guarded by `abortable`.
 */
export function runWithTimeout<C extends Duplex>(
  next: Run<C>,
  target: Target,
  context: DialContext<C>,
  timeoutMs: number,
): Promise<C> {
  // Observers beneath count a dial that is canceled already.
  if (context.cancel?.aborted) return next(target, context);
  let timeout: LayerTimeout;
  try {
    timeout = new LayerTimeout(target, context as never, timeoutMs);
  } catch (error) {
    // A user's clock that cannot start the timer. The observers above report the end of a dial that rejects.
    return Promise.reject(error);
  }
  const deadline = earlier(context.deadline, timeout.dueAt);
  // Not an async function: those allocate twice as much.
  return next(target, { ...context, cancel: timeout, deadline }).then(
    (conn) => timeout.succeed(conn),
    (error) => timeout.fail(error),
  );
}

/** As {@link runWithTimeout}, for the `timeoutMs` of the dial's own options, which is then used up. */
export function runWithOwnTimeout<C extends Duplex>(
  next: Run<C>,
  target: Target,
  context: DialContext<C>,
  timeoutMs: number,
): Promise<C> {
  const call = context.call && { ...context.call, timeoutMs: undefined };
  return runWithTimeout(next, target, { ...context, call }, timeoutMs);
}

/**
 * Applies the `timeoutMs` of a dial's own options.
 *
 * @param boundedBy - name of the layer beneath that does so, unless it is skipped.
 */
export function applyingOwnTimeout<C extends Duplex>(next: Run<C>, boundedBy: string | undefined): Run<C> {
  return function ownTimeoutDialer(target, context) {
    const { call } = context;
    if (call?.timeoutMs === undefined) return next(target, context);
    if (boundedBy !== undefined && !skips(call, boundedBy)) return next(target, context);
    return runWithOwnTimeout(next, target, context, call.timeoutMs);
  };
}

function earlier(deadline: number | undefined, other: number): number {
  return deadline === undefined ? other : Math.min(deadline, other);
}

class LayerTimeout extends TimedCancel {
  readonly #target: Target;
  readonly #context: DialContext<never>;
  readonly #timeoutMs: number;

  constructor(target: Target, context: DialContext<never>, timeoutMs: number) {
    super(context.clock, timeoutMs, context.cancel);
    this.#target = target;
    this.#context = context;
    this.#timeoutMs = timeoutMs;
  }

  succeed<T>(conn: T): T {
    this.end();
    if (!this.aborted) return conn;
    discard(conn);
    throw this.reason;
  }

  fail(error: unknown): never {
    this.end();
    throw this.aborted ? this.reason : error;
  }

  protected override timedOut(lateByMs: number): DialTimeoutError {
    const { trace, state, insideRetry } = this.#context;
    const [target, timeoutMs] = [this.#target, this.#timeoutMs];
    const scope = insideRetry ? "attempt" : "dial";
    trace?.timeout?.({ target, scope, timeoutMs });
    return timeoutError(target, { timeoutMs, scope, lateByMs }, state);
  }
}

interface PassedTimeout {
  readonly timeoutMs: number;
  readonly scope: "dial" | "attempt";
  readonly lateByMs: number;
}

function timeoutError(target: Target, passed: PassedTimeout, state: DialState | undefined): DialTimeoutError {
  const { timeoutMs, lateByMs } = passed;
  const init = { ...passed, target, attemptCount: state?.attempts };
  // Only the error of the whole dial lists earlier attempts. If the error of an attempt did, each would reference the
  // previous one, in an endless chain.
  if (passed.scope === "attempt") {
    const which = state?.attempts ? `attempt ${state.attempts}` : "an attempt";
    return new DialTimeoutError(timeoutMessage(`${which} to dial ${target}`, timeoutMs, lateByMs), init);
  }
  const last = state?.failures.at(-1);
  const before = last ? `; attempt ${last.attempt} before failed: ${messageOf(last.error)}` : "";
  return new DialTimeoutError(`${timeoutMessage(`dial ${target}`, timeoutMs, lateByMs)}${before}`, {
    ...init,
    attempts: state?.failures,
  });
}
