import type { Duplex } from "node:stream";
import { Cancel } from "../async/cancel.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace, DnsDoneInfo } from "../core/trace.ts";
import type { DialContext, Run } from "../engine/context.ts";
import { addToCaller, noteHandled } from "../engine/hook-chain.ts";
import { discard } from "../support/connection.ts";

/** What a dial reports to its lazy socket. Not called after {@link SocketDial.cancel}. */
export interface DialReceiver<C extends Duplex> {
  resolved(info: DnsDoneInfo): void;
  connected(conn: C): void;
  failed(error: unknown): void;
}

/**
 * The dial of one lazy socket. It ends once: with a connection, with an error, or canceled. Everything is reported in a
 * later turn of the process, so that an error thrown by a listener of the socket is an uncaught exception, as it is with
 * `net.Socket`, and does not reject the dial.
 */
export class SocketDial<C extends Duplex> {
  readonly #cancel = new Cancel();
  readonly #source: Cancel | undefined;
  #receiver: DialReceiver<C> | undefined;

  constructor(run: Run<C>, target: Target, context: DialContext<C>, receiver: DialReceiver<C>) {
    this.#receiver = receiver;
    this.#source = context.cancel;
    this.#source?.onAbort(this);
    const trace = addToCaller(new LookupHooks((info) => this.#report((to) => to.resolved(info))), context.trace);
    run(target, { ...context, cancel: this.#cancel, trace }).then(
      (conn) => this.#succeed(conn),
      (error) => this.#fail(error),
    );
  }

  /** Called when the signal of the caller aborts. */
  handleEvent(): void {
    this.#cancel.abort(this.#source?.reason);
  }

  /** Ends the dial because the socket is destroyed. Does nothing when the dial is over. */
  cancel(): void {
    if (this.#receiver === undefined) return;
    this.#receiver = undefined;
    this.#source?.offAbort(this);
    this.#cancel.abort(new DOMException("the socket was destroyed while it was being dialed", "AbortError"));
  }

  #succeed(conn: C): void {
    this.#source?.offAbort(this);
    // Until the socket takes over the connection, no other listener handles its errors.
    conn.on("error", ignore);
    process.nextTick(() => {
      const receiver = this.#receiver;
      this.#receiver = undefined;
      if (receiver === undefined) {
        discard(conn);
      } else {
        receiver.connected(conn);
        conn.removeListener("error", ignore);
      }
    });
  }

  #fail(error: unknown): void {
    this.#source?.offAbort(this);
    // In a later turn: an open breaker fails a dial before a caller that awaits something has added its listeners.
    setImmediate(() => {
      const receiver = this.#receiver;
      this.#receiver = undefined;
      receiver?.failed(error);
    });
  }

  #report(call: (to: DialReceiver<C>) => void): void {
    process.nextTick(() => {
      if (this.#receiver !== undefined) call(this.#receiver);
    });
  }
}

class LookupHooks implements DialTrace {
  readonly #report: (info: DnsDoneInfo) => void;

  constructor(report: (info: DnsDoneInfo) => void) {
    this.#report = report;
  }

  dnsDone(info: DnsDoneInfo): void {
    this.#report(info);
  }

  static {
    noteHandled(LookupHooks.prototype);
  }
}

function ignore(): void {}
