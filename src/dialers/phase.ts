import type { Duplex } from "node:stream";
import { abortable } from "../core/abort.ts";
import { Cancel } from "../core/cancel.ts";
import { discard } from "../core/connection.ts";
import type { DialContext } from "../core/context.ts";
import { DialTimeoutError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";

export interface Phase {
  /** What the error says took too long, such as `TLS handshake`. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly target: Target;
  /** The open connection that the phase runs on. */
  readonly conn: Duplex;
}

/**
 * Runs a phase on an open connection, under a bound of its own. When the time is up, the dial is
 * aborted or the phase fails, the connection is destroyed.
 *
 * @param work - is given what cancels the phase.
 */
export async function runPhase<C extends Duplex, T extends Duplex>(
  { what, timeoutMs, target, conn }: Phase,
  context: DialContext<C>,
  work: (cancel: Cancel) => Promise<T>,
): Promise<T> {
  const { cancel: outer, clock, trace } = context;
  const cancel = new Cancel();
  const forward = () => cancel.abort(outer?.reason);
  const destroy = () => discard(conn);
  const timer = clock.setTimeout(() => {
    trace?.timeout?.({ target, scope: "phase", timeoutMs });
    const message = `${what} for ${target} timed out after ${timeoutMs} ms`;
    cancel.abort(new DialTimeoutError(message, { scope: "phase", timeoutMs, target }));
  }, timeoutMs);
  cancel.onAbort(destroy);
  outer?.onAbort(forward);
  try {
    return await abortable(() => work(cancel), cancel);
  } catch (error) {
    destroy();
    throw error;
  } finally {
    clock.clearTimeout(timer);
    cancel.offAbort(destroy);
    outer?.offAbort(forward);
  }
}
