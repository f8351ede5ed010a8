import type { Duplex } from "node:stream";
import { abortable } from "../async/abortable.ts";
import type { Handshake, HandshakeContext } from "../core/dialer.ts";
import type { ProtocolInfo } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import { discard, isConnection } from "../support/connection.ts";
import { cleanError, printable, tameError } from "../support/printable.ts";
import { wrongReturn } from "../support/returned.ts";
import { isBun } from "../support/runtime.ts";
import { blankerOf } from "../support/sent-secrets.ts";
import type { DialContext } from "./context.ts";
import { outcomeOf } from "./outcome.ts";
import { Timed } from "./timed.ts";

/**
 * Runs the caller's handshake on an open connection. If it fails or the dial is aborted, the connection is destroyed.
 *
 * @param attempt - number of the attempt, from 1.
 */
export async function shakeHands<C extends Duplex>(
  handshake: Handshake<C>,
  conn: C,
  target: Target,
  context: DialContext<C>,
  attempt: number,
): Promise<C> {
  const { cancel } = context;
  const running = new RunningHandshake(conn, target, context as never, attempt);
  const destroy = () => discard(conn);
  cancel?.onAbort(destroy);
  let part: Timed<"handshake"> | undefined;
  try {
    part = new Timed(context, "handshake", { target, attempt });
    const ready = await abortable(() => failingOnError(conn, async () => handshake(conn, running.context)), cancel);
    if (!isConnection(ready)) {
      throw wrongReturn("handshake", "must resolve with the connection to hand out", ready);
    }
    part.succeed({ protocol: running.protocol });
    return ready;
  } catch (thrown) {
    destroy();
    // The peer behind a proxy may be the proxy itself, which knows its credentials.
    const blank = blankerOf(conn);
    const error = blank === undefined ? tameError(thrown) : cleanError(thrown, blank);
    part?.fail(outcomeOf(error, cancel), { protocol: running.protocol });
    throw error;
  } finally {
    running.isOver = true;
    cancel?.offAbort(destroy);
  }
}

class RunningHandshake {
  /** How the handshake described its peer. */
  protocol: ProtocolInfo | undefined = undefined;
  /** Set when the handshake has ended. A handshake that ignores an abort may continue while the next attempt runs. */
  isOver = false;
  readonly context: HandshakeContext;

  constructor(conn: Duplex, target: Target, { cancel, trace, clock, deadline }: DialContext<never>, attempt: number) {
    const running = this;
    this.context = {
      target,
      attempt,
      trace,
      get signal() {
        return cancel?.signal;
      },
      remainingMs: () => (deadline === undefined ? undefined : Math.max(0, deadline - clock.now())),
      describe(info) {
        running.protocol = printableProtocol(info, blankerOf(conn));
      },
      event(name) {
        if (running.isOver) return;
        trace?.handshakeEvent?.({ target, attempt, name: typeof name === "string" ? printable(name) : name });
      },
    };
  }
}

/**
 * Runs `work` and fails it when `conn` emits an error that the work does not listen to. Without a listener, the error
 * would end the process; without the rejection, the work could wait forever.
 */
function failingOnError<C extends Duplex>(conn: C, work: () => Promise<C>): Promise<C> {
  return new Promise((resolve, reject) => {
    let over = false;
    const fail = (error: Error) => {
      over = true;
      reject(error);
    };
    // A handshake with its own listener decides what the error means.
    const isDecided = () => conn.listenerCount("error") > 1;
    const onError = (error: Error) => {
      if (!isDecided()) fail(error);
      // Bun adds a listener of its own while it emits the error of a socket.
      else if (isBun) setImmediate(() => isDecided() || fail(error));
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

/** A handshake describes its peer with text from the peer, which may not be printable or may repeat a secret. */
function printableProtocol({ name, attributes }: ProtocolInfo, blank = (text: string) => text): ProtocolInfo {
  if (attributes === undefined) return { name: printable(name) };
  const shown = Object.entries(attributes).map(([key, value]) => [
    printable(key),
    typeof value === "string" ? printable(blank(value)) : value,
  ]);
  return { name: printable(name), attributes: Object.fromEntries(shown) };
}
