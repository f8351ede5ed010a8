import type { Duplex } from "node:stream";
import { abortable } from "../async/abortable.ts";
import type { Dialer, Handshake, HandshakeContext } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { ProtocolInfo } from "../core/event-values.ts";
import type { Reason } from "../core/reasons.ts";
import type { Target } from "../core/target.ts";
import { discard, isConnection } from "../support/connection.ts";
import { messageOf } from "../support/message.ts";
import { cleanError, printable, tameError } from "../support/printable.ts";
import { wrongReturn } from "../support/returned.ts";
import { blankerOf } from "../support/sent-secrets.ts";
import { type DialContext, type Run, runOfBase } from "./context.ts";
import { type DialState, insideAttempt } from "./dial-state.ts";
import { failed } from "./outcome.ts";
import { trackClose } from "./tracker.ts";

/**
 * Makes each call of a base dialer an attempt: counted, reported, followed by the caller's handshake,
 * ended at once by an abort even where the base ignores it, and with every failure a {@link DialError}.
 * Inside another attempt (a base built over a composed dialer) it only passes through.
 */
export function attempting<C extends Duplex>(base: Dialer<C>): Run<C> {
  const run = runOfBase(base);
  return async function attemptDialer(target, context) {
    const { state, cancel, trace, clock } = context;
    cancel?.throwIfAborted();
    if (state === undefined || state.insideAttempt) return connectAndShakeHands(run, target, context, 0);

    state.attempts += 1;
    const attempt = state.attempts;
    trace?.attemptStart?.({ target, attempt });
    const startedAt = clock.now();
    try {
      const conn = await connectAndShakeHands(run, target, context, attempt);
      state.conn = conn;
      if (trace !== undefined) {
        const endedAt = clock.now();
        trackClose(conn, target, clock, endedAt, trace);
        trace.attemptDone?.({ target, attempt, durationMs: endedAt - startedAt, outcome: "success", conn });
      }
      return conn;
    } catch (thrown) {
      const ended = failed(tameError(thrown), cancel);
      const durationMs = clock.now() - startedAt;
      let { error } = ended;
      if (ended.outcome === "failure") {
        state.recordFailure({ attempt, durationMs, reason: ended.reason, error });
        if (!cancel?.aborted) error = asDialError(error, ended.reason, target, state);
      }
      trace?.attemptDone?.({ target, attempt, durationMs, ...ended, error });
      throw error;
    }
  };
}

async function connectAndShakeHands<C extends Duplex>(
  run: Run<C>,
  target: Target,
  context: DialContext<C>,
  attempt: number,
): Promise<C> {
  const { cancel, handshake, surround } = context;
  const inner = { ...context, handshake: undefined, state: insideAttempt, call: undefined };
  const dial = () => run(target, inner);
  let conn = await abortable(surround === undefined ? dial : () => surround(dial), cancel);
  if (handshake !== undefined) conn = await shakeHands(handshake, conn, target, context, attempt);
  if (conn.destroyed) {
    discard(conn);
    throw new DialError(`dial ${target}: closed before it was ready`, { reason: "handshake_closed", target });
  }
  return conn;
}

/**
 * Does `work` on `conn`, and hears the connection's errors meanwhile: one that nobody hears would end the process. The
 * work fails for such an error then, for it would wait without end.
 */
function hearing<C extends Duplex>(conn: C, work: () => Promise<C>): Promise<C> {
  return new Promise((resolve, reject) => {
    let over = false;
    const onError = (error: Error) => {
      // A handshake that listens knows better what the error means.
      if (conn.listenerCount("error") > 1) return;
      over = true;
      reject(error);
    };
    conn.on("error", onError);
    work()
      .then((ready) => {
        if (over) discard(ready);
        else resolve(ready);
      }, reject)
      .finally(() => conn.removeListener("error", onError));
  });
}

async function shakeHands<C extends Duplex>(
  handshake: Handshake<C>,
  conn: C,
  target: Target,
  context: DialContext<C>,
  attempt: number,
): Promise<C> {
  const { cancel, trace, clock, deadline } = context;
  let protocol: ProtocolInfo | undefined;
  let underWay = true;
  const handshakeContext: HandshakeContext = {
    target,
    attempt,
    trace,
    get signal() {
      return cancel?.signal;
    },
    remainingMs: () => (deadline === undefined ? undefined : Math.max(0, deadline - clock.now())),
    describe(info) {
      protocol = printableProtocol(info, blankerOf(conn));
    },
    event(name) {
      // One that takes no notice of the abort may go on while the next attempt is under way.
      if (underWay) trace?.handshakeEvent?.({ target, attempt, name });
    },
  };
  const destroy = () => discard(conn);
  cancel?.onAbort(destroy);
  trace?.handshakeStart?.({ target, attempt });
  const startedAt = clock.now();
  try {
    const ready = await abortable(() => hearing(conn, async () => handshake(conn, handshakeContext)), cancel);
    if (!isConnection(ready)) {
      throw wrongReturn("handshake", "must resolve with the connection to hand out", ready);
    }
    trace?.handshakeDone?.({ target, attempt, durationMs: clock.now() - startedAt, outcome: "success", protocol });
    return ready;
  } catch (error) {
    destroy();
    // The peer behind a proxy may be the proxy itself, which knows its credentials.
    const blank = blankerOf(conn);
    if (blank === undefined) tameError(error);
    else cleanError(error, blank);
    trace?.handshakeDone?.({
      target,
      attempt,
      durationMs: clock.now() - startedAt,
      ...failed(error, cancel),
      protocol,
    });
    throw error;
  } finally {
    underWay = false;
    cancel?.offAbort(destroy);
  }
}

/** A handshake describes its peer in the peer's own words. */
function printableProtocol({ name, attributes }: ProtocolInfo, blank = (text: string) => text): ProtocolInfo {
  if (attributes === undefined) return { name: printable(name) };
  const shown = Object.entries(attributes).map(([key, value]) => [
    key,
    typeof value === "string" ? printable(blank(value)) : value,
  ]);
  return { name: printable(name), attributes: Object.fromEntries(shown) };
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
