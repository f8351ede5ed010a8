import type { Duplex } from "node:stream";
import { abortable } from "../async/abortable.ts";
import type { Cancel } from "../async/cancel.ts";
import type { Dialer } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";
import type { Target } from "../core/target.ts";
import { discard, isConnection } from "../support/connection.ts";
import { messageOf } from "../support/message.ts";
import { tameError } from "../support/printable.ts";
import { asMistake } from "../support/returned.ts";
import { show } from "../support/validate.ts";
import { type DialContext, type Run, runOfBase } from "./context.ts";
import { type DialState, insideAttempt } from "./dial-state.ts";
import { shakeHands } from "./handshake.ts";
import { failed } from "./outcome.ts";
import { Timed } from "./timed.ts";
import { trackClose } from "./tracker.ts";

/**
 * Makes each call of a base dialer an attempt: counted, reported, followed by the caller's handshake, and rejected
 * within a turn of an abort even if the base ignores it. Every failure becomes a {@link DialError}. Inside another
 * attempt (a base built over a composed dialer) the call is only passed through.
 */
export function attempting<C extends Duplex>(base: Dialer<C>): Run<C> {
  const run = runOfBase(base);
  return function attemptDialer(target, context) {
    const { state, cancel } = context;
    if (cancel?.aborted) return Promise.reject(cancel.reason);
    return state === undefined || state.insideAttempt
      ? connectOnly(run, target, context)
      : attempt(run, target, context, state);
  };
}

async function attempt<C extends Duplex>(
  run: Run<C>,
  target: Target,
  context: DialContext<C>,
  state: DialState,
): Promise<C> {
  state.attempts += 1;
  const number = state.attempts;
  const part = new Timed(context, "attempt", { target, attempt: number });
  try {
    let conn = await callBase(run, target, context);
    checkConnection(conn);
    if (context.handshake !== undefined) conn = await shakeHands(context.handshake, conn, target, context, number);
    checkOpen(conn, target);
    state.conn = conn;
    if (context.trace !== undefined) {
      trackClose(conn, target, context.clock, context.trace);
      part.succeed({ conn });
    }
    return conn;
  } catch (thrown) {
    throw attemptFailed(part, thrown, number, target, context.cancel, state);
  }
}

/** Reports a failed attempt. Returns the error that it rejects with. */
function attemptFailed(
  part: Timed<"attempt">,
  thrown: unknown,
  attempt: number,
  target: Target,
  cancel: Cancel | undefined,
  state: DialState,
): unknown {
  const durationMs = part.elapsedMs();
  const ended = failed(tameError(thrown), cancel);
  let { error } = ended;
  if (ended.outcome === "failure") {
    state.recordFailure({ attempt, durationMs, reason: ended.reason, error });
    if (!cancel?.aborted) error = asDialError(error, ended.reason, target, state);
  }
  part.fail({ ...ended, error }, undefined, durationMs);
  return error;
}

async function connectOnly<C extends Duplex>(run: Run<C>, target: Target, context: DialContext<C>): Promise<C> {
  let conn = await callBase(run, target, context);
  checkConnection(conn);
  if (context.handshake !== undefined) conn = await shakeHands(context.handshake, conn, target, context, 0);
  checkOpen(conn, target);
  return conn;
}

function callBase<C extends Duplex>(run: Run<C>, target: Target, context: DialContext<C>): Promise<C> {
  const { cancel, surround } = context;
  const inner = { ...context, handshake: undefined, state: insideAttempt, call: undefined };
  if (surround === undefined) return abortable(() => run(target, inner), cancel);
  return abortable(() => surround(() => run(target, inner)), cancel);
}

function checkConnection(conn: unknown): void {
  if (isConnection(conn)) return;
  const rule = `the last layer must resolve with a connection, got ${show(conn)}; is it a base dialer?`;
  throw asMistake(new TypeError(`compose: ${rule}`));
}

function checkOpen(conn: Duplex, target: Target): void {
  if (!conn.destroyed) return;
  discard(conn);
  throw new DialError(`dial ${target}: closed before it was ready`, { reason: "handshake_closed", target });
}

function asDialError(raw: unknown, reason: Reason, target: Target, state: DialState): DialError {
  if (raw instanceof DialError && raw.target !== "") return raw;
  return new DialError(`dial ${target}: ${messageOf(raw)}`, {
    reason,
    target,
    cause: raw,
    attempts: [...state.failures],
    attemptCount: state.attempts,
  });
}
