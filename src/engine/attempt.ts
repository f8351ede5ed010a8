import type { Duplex } from "node:stream";
import { abortable } from "../async/abortable.ts";
import type { Dialer, Handshake } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";
import type { Target } from "../core/target.ts";
import { discard, isConnection } from "../support/connection.ts";
import { isError } from "../support/is-error.ts";
import { messageOf } from "../support/message.ts";
import { tameError } from "../support/printable.ts";
import { asMistake } from "../support/returned.ts";
import { show } from "../support/validate.ts";
import { type DialContext, type Run, type RunInContext, runOfBase } from "./context.ts";
import type { DialState } from "./dial-state.ts";
import { shakeHands } from "./handshake.ts";
import { emit, wants } from "./hook-chain.ts";
import { outcomeOf } from "./outcome.ts";
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
    if (state === undefined || state.insideAttempt) return passThrough(run, target, context);
    state.attempts += 1;
    return new Attempt<C>(target, context, state).follow(connectAndShakeHands(run, target, context, state.attempts));
  };
}

async function passThrough<C extends Duplex>(run: Run<C>, target: Target, context: DialContext<C>): Promise<C> {
  const conn = await connectAndShakeHands(run, target, context, 0);
  const problem = problemOf(conn, target);
  if (problem !== undefined) throw problem;
  return conn;
}

/** One attempt of a dial. Reports its start when it is created. */
export class Attempt<C extends Duplex> {
  readonly #target: Target;
  readonly #context: DialContext<C>;
  readonly #state: DialState;
  readonly #attempt: number;
  readonly #startedAt: number;

  constructor(target: Target, context: DialContext<C>, state: DialState) {
    this.#target = target;
    this.#context = context;
    this.#state = state;
    this.#attempt = state.attempts;
    const { trace, clock } = context;
    if (wants(trace, "attemptStart")) emit(trace, "attemptStart", { target, attempt: state.attempts });
    this.#startedAt = clock.now();
  }

  /** Not an async function: those allocate twice as much. */
  follow(work: Promise<C>): Promise<C> {
    return work.then(
      (conn) => {
        const problem = problemOf(conn, this.#target);
        if (problem !== undefined) throw this.fail(problem);
        return this.succeed(conn);
      },
      (error) => {
        throw this.fail(tameError(error));
      },
    );
  }

  /** Reports the success, and the close of `conn` when it comes. */
  succeed(conn: C): C {
    const { trace, clock } = this.#context;
    const target = this.#target;
    this.#state.conn = conn;
    if (trace === undefined) return conn;
    const durationMs = clock.now() - this.#startedAt;
    trackClose(conn, target, clock, trace);
    if (wants(trace, "attemptDone")) {
      emit(trace, "attemptDone", { target, attempt: this.#attempt, durationMs, outcome: "success", conn });
    }
    return conn;
  }

  /** Reports the failure. Returns the error that the dial rejects with. */
  fail(thrown: unknown): unknown {
    const { trace, clock, cancel } = this.#context;
    const [target, attempt, state] = [this.#target, this.#attempt, this.#state];
    const ended = outcomeOf(thrown, cancel);
    const durationMs = clock.now() - this.#startedAt;
    let { error } = ended;
    if (ended.outcome === "failure") {
      state.recordFailure({ attempt, durationMs, reason: ended.reason, error });
      if (!cancel?.aborted) error = asDialError(error, ended.reason, target, state);
    }
    emit(trace, "attemptDone", { target, attempt, durationMs, ...ended, error });
    return error;
  }
}

function connectAndShakeHands<C extends Duplex>(
  run: Run<C>,
  target: Target,
  context: DialContext<C>,
  attempt: number,
): Promise<C> {
  const { cancel, handshake, runInContext } = context;
  const connect = runInContext === undefined ? run : inContext(run, runInContext);
  const connected = abortable(connect, cancel, target, context);
  return handshake === undefined ? connected : thenShakeHands(connected, handshake, target, context, attempt);
}

function inContext<C extends Duplex>(run: Run<C>, runInContext: RunInContext): Run<C> {
  return (target, context) => runInContext(() => run(target, context));
}

async function thenShakeHands<C extends Duplex>(
  connected: Promise<C>,
  handshake: Handshake<C>,
  target: Target,
  context: DialContext<C>,
  attempt: number,
): Promise<C> {
  const conn = await connected;
  if (!isConnection(conn)) throw notConnection(conn);
  return shakeHands(handshake, conn, target, context, attempt);
}

/** Returns the error for a connection that cannot be handed out. */
function problemOf(conn: Duplex, target: Target): Error | undefined {
  if (!isConnection(conn)) return notConnection(conn);
  if (!conn.destroyed) return undefined;
  discard(conn);
  return new DialError(`dial ${target}: the connection closed before it was ready`, {
    reason: "handshake_closed",
    target,
  });
}

function notConnection(conn: unknown): Error {
  const rule = `the last layer must resolve with a connection, got ${show(conn)}; is it a base dialer?`;
  return asMistake(new TypeError(`compose: ${rule}`));
}

function asDialError(raw: unknown, reason: Reason, target: Target, state: DialState): DialError {
  if (isError(raw) && raw instanceof DialError && raw.target !== "") return raw;
  return new DialError(`dial ${target}: ${messageOf(raw)}`, {
    reason,
    target,
    cause: raw,
    attempts: state.failures,
    attemptCount: state.attempts,
  });
}
