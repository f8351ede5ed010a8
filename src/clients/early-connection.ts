import type { Duplex } from "node:stream";
import { Cancel } from "../async/cancel.ts";
import { classify } from "../core/classify.ts";
import type { Handshake, HandshakeContext } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";
import type { Run } from "../engine/context.ts";
import { isError } from "../support/is-error.ts";
import { messageOf } from "../support/message.ts";
import { onDestroy } from "../support/on-destroy.ts";

/** The client's part of a dial: its first messages through the open connection. The first call ends it. */
export interface ClientHandshake {
  /** The client is ready: the dial succeeds. */
  succeed(): void;
  /** The server has refused the client: the dial fails, and is not tried again. `message` must contain no secret. */
  fail(reason: Reason, message: string): void;
  /** The client has given up: the dial is canceled. */
  cancel(): void;
}

/** Called when a connection is open, before the client gets it. Returns a function to call when the handshake is over. */
export type BeginHandshake = (handshake: ClientHandshake) => () => void;

/**
 * Returns a run that resolves as soon as the connection is open, while its dial lasts until the client is ready. So a
 * client that makes its own handshake does it within the dial, whose duration, reason and spans include it. Once the
 * client has used a connection, its dial is not tried again: the client's own loop decides about that.
 *
 * @param protocol - name of the client's protocol, for spans.
 * @param before - the handshake that the dial has before that of the client, if any.
 */
export function handOutEarly<C extends Duplex>(
  run: Run<C>,
  protocol: string,
  before: Handshake<C> | undefined,
  begin: BeginHandshake,
): Run<C> {
  return (target, context) =>
    new Promise((resolve, reject) => {
      const cancel = new Cancel();
      const source = context.cancel;
      const follow = () => cancel.abort(source?.reason);
      source?.onAbort(follow);
      const handshake: Handshake<C> = async (conn, attempt) => {
        const opened = before === undefined ? conn : await before(conn, attempt);
        attempt.describe({ name: protocol });
        const ready = untilReady(opened, attempt, cancel, begin);
        resolve(opened);
        await ready;
        return opened;
      };
      run(target, { ...context, cancel, handshake })
        .then(resolve, reject)
        .finally(() => source?.offAbort(follow));
    });
}

function untilReady(conn: Duplex, attempt: HandshakeContext, cancel: Cancel, begin: BeginHandshake): Promise<void> {
  const { signal, target } = attempt;
  return new Promise((resolve, reject) => {
    let isOver = false;
    const finish = (settle: () => void) => {
      if (isOver) return;
      isOver = true;
      signal?.removeEventListener("abort", abort);
      end();
      settle();
    };
    const abort = () =>
      finish(() => {
        reject(signal?.reason);
        // The client is told the reason, such as a timeout of the dialer.
        conn.destroy(isError(signal?.reason) ? signal.reason : undefined);
      });
    // Aborting the dial also ends its retries.
    const giveUp = (error: Error) =>
      finish(() => {
        reject(error);
        cancel.abort(error);
      });
    const fail = (reason: Reason, message: string, cause?: unknown) =>
      giveUp(new DialError(`dial ${target}: ${message}`, { reason, target, cause }));
    const cancelByClient = () =>
      giveUp(new DOMException("the client gave up while it was being connected", "AbortError"));
    signal?.addEventListener("abort", abort);
    const end = begin({ succeed: () => finish(resolve), fail, cancel: cancelByClient });
    onDestroy(conn, (error) => {
      const reason = error === null ? undefined : classify(error);
      if (reason !== undefined && reason !== "canceled") fail(reason, messageOf(error), error);
      else if (conn.readableEnded) fail("handshake_closed", "closed by the server before the client was ready");
      else cancelByClient();
    });
  });
}
