import type { Duplex } from "node:stream";
import { abortable } from "../async/abortable.ts";
import type { Cancel } from "../async/cancel.ts";
import { TimedCancel } from "../async/deadline.ts";
import { DialTimeoutError, timeoutMessage } from "../core/errors.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
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
  phase: Phase,
  context: DialContext<C>,
  work: (cancel: Cancel) => Promise<T>,
): Promise<T> {
  const { conn } = phase;
  let timeout: PhaseTimeout | undefined;
  // While the work waits for something other than the connection, only this handles the connection's errors.
  conn.on("error", ignore);
  try {
    const cancel = new PhaseTimeout(phase, context as never);
    timeout = cancel;
    cancel.throwIfAborted();
    cancel.onAbort(() => discard(conn));
    return await abortable(() => work(cancel), cancel);
  } catch (error) {
    discard(conn);
    throw error;
  } finally {
    timeout?.end();
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
