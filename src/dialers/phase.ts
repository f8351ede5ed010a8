import type { Duplex } from "node:stream";
import type { Cancel } from "../async/cancel.ts";
import { withDeadline } from "../async/deadline.ts";
import { DialTimeoutError, timeoutMessage } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import type { DialContext } from "../engine/context.ts";
import { discard } from "../support/connection.ts";

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
  const { cancel, clock, trace } = context;
  const onPassed = (lateByMs: number) => {
    trace?.timeout?.({ target, scope: "phase", timeoutMs });
    const message = timeoutMessage(`${what} for ${target}`, timeoutMs, lateByMs);
    return new DialTimeoutError(message, { scope: "phase", timeoutMs, lateByMs, target });
  };
  // While the work waits for something else than the connection, nothing but this listens to its errors.
  conn.on("error", ignore);
  try {
    return await withDeadline({ clock, timeoutMs, cancel, onPassed }, (inner) => {
      inner.onAbort(() => discard(conn));
      return work(inner);
    });
  } catch (error) {
    discard(conn);
    throw error;
  } finally {
    conn.removeListener("error", ignore);
  }
}

function ignore(): void {}
