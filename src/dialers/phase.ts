import type { Duplex } from "node:stream";
import type { Cancel } from "../async/cancel.ts";
import { withDeadline } from "../async/deadline.ts";
import { DialTimeoutError, timeoutMessage } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import type { DialContext } from "../engine/context.ts";
import { discard } from "../support/connection.ts";

/** A phase of a dial that runs on an open connection. */
export interface Phase {
  /** Name of the phase in the timeout error, such as `TLS handshake`. */
  readonly what: string;
  /** Timeout of the phase in milliseconds. */
  readonly timeoutMs: number;
  readonly target: Target;
  /** The open connection that the phase runs on. */
  readonly conn: Duplex;
}

/**
 * Runs a phase on an open connection with a timeout. The connection is destroyed when the phase times out or fails and
 * when the dial is aborted.
 *
 * @param work - receives the `Cancel` of the phase.
 * @throws DialTimeoutError of scope `phase`, the abort reason of the dial, or the error of `work`.
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
  // Without a listener, an error of the connection would end the process while the work waits for something else.
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
