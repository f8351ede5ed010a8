import type { Duplex } from "node:stream";
import { abortable } from "../async/abortable.ts";
import type { Cancel } from "../async/cancel.ts";
import { TimedCancel } from "../async/deadline.ts";
import { DialTimeoutError, timeoutMessage } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
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
  phase: Phase,
  context: DialContext<C>,
  work: (cancel: Cancel) => Promise<T>,
): Promise<T> {
  const { conn } = phase;
  const timeout = new PhaseTimeout(phase, context as never);
  // While the work waits for something other than the connection, only this handles the connection's errors.
  conn.on("error", ignore);
  try {
    timeout.throwIfAborted();
    timeout.onAbort(() => discard(conn));
    return await abortable(() => work(timeout), timeout);
  } catch (error) {
    discard(conn);
    throw error;
  } finally {
    timeout.end();
    conn.removeListener("error", ignore);
  }
}

class PhaseTimeout extends TimedCancel {
  readonly #phase: Phase;
  readonly #trace: DialTrace | undefined;

  constructor(phase: Phase, { clock, cancel, trace }: DialContext<never>) {
    super(clock, phase.timeoutMs, cancel);
    this.#phase = phase;
    this.#trace = trace;
  }

  protected override timedOut(lateByMs: number): DialTimeoutError {
    const { what, timeoutMs, target } = this.#phase;
    this.#trace?.timeout?.({ target, scope: "phase", timeoutMs });
    const message = timeoutMessage(`${what} for ${target}`, timeoutMs, lateByMs);
    return new DialTimeoutError(message, { scope: "phase", timeoutMs, lateByMs, target });
  }
}

function ignore(): void {}
