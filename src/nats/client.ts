import { systemClock } from "../async/clock.ts";
import { Deadline } from "../async/deadline.ts";
import type { ClientState } from "../client/client-trace.ts";
import { DialTimeoutError, timeoutMessage } from "../core/errors.ts";
import { handled } from "../support/handled.ts";
import { allowIgnored } from "./ignorable.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Connection, NatsLibrary } from "./nats-library.ts";
import type { DialedProtocol } from "./protocol.ts";
import { withStockCause } from "./stock-cause.ts";

/** Limits of a first connect. */
export interface FirstConnectBounds {
  readonly signal: AbortSignal | undefined;
  readonly deadlineMs: number | undefined;
  readonly servers: readonly string[];
}

/** A client, from before its first connect to its end. The connect resolves to a `C`. */
export class Client<C> {
  readonly #library: NatsLibrary;
  readonly #nc: Connection;
  readonly #protocol: DialedProtocol;
  readonly #lifecycle: Lifecycle;
  readonly #bounds: FirstConnectBounds;

  constructor(
    library: NatsLibrary,
    nc: Connection,
    protocol: DialedProtocol,
    lifecycle: Lifecycle,
    bounds: FirstConnectBounds,
  ) {
    this.#library = library;
    this.#nc = nc;
    this.#protocol = protocol;
    this.#lifecycle = lifecycle;
    this.#bounds = bounds;
    announceDrain(library, nc, lifecycle);
    allowIgnored(nc);
  }

  get state(): ClientState {
    return this.#lifecycle.state;
  }

  /** Connects for the first time. Closes the client if that fails. */
  async connect(): Promise<C> {
    const { signal } = this.#bounds;
    try {
      signal?.throwIfAborted();
      await bounded(this.#protocol.dialLoop(), this.#bounds);
    } catch (thrown) {
      const error = withStockCause(thrown, this.#library);
      await this.close(error as Error);
      throw error;
    }
    if (signal !== undefined) endWith(signal, this.#nc, this.#lifecycle);
    return this.#nc as unknown as C;
  }

  close(why: Error): Promise<void> {
    return handled(this.#protocol.close(why));
  }
}

/** Rejects when the signal aborts or the deadline passes, which the library's loop does not support. */
function bounded(work: Promise<void>, { signal, deadlineMs, servers }: FirstConnectBounds): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const deadline =
      deadlineMs === undefined
        ? undefined
        : new Deadline(systemClock, deadlineMs, (lateByMs) => {
            const message = timeoutMessage(`connect to ${servers.join(", ")}`, deadlineMs, lateByMs);
            reject(new DialTimeoutError(message, { scope: "dial", timeoutMs: deadlineMs, lateByMs }));
          });
    work.then(resolve, reject).finally(() => {
      signal?.removeEventListener("abort", onAbort);
      deadline?.clear();
    });
  });
}

function announceDrain(library: NatsLibrary, nc: Connection, lifecycle: Lifecycle): void {
  const drain = nc.drain.bind(nc);
  nc.drain = async () => {
    if (nc.isClosed() || nc.isDraining()) return drain();
    if (lifecycle.state !== "connected") {
      // As in Go. The library would wait for answers of a server that is not connected.
      await nc.close();
      throw library.notConnectedError("drain: there was no connection, so the client was closed");
    }
    lifecycle.draining();
    await drain();
    // `nats` 2.x resolves in this case.
    if (lifecycle.drainCutShort) throw library.notConnectedError("drain: connection disconnected");
  };
}

function endWith(signal: AbortSignal, nc: Connection, lifecycle: Lifecycle): void {
  const onAbort = () => {
    nc.options.reconnect = false;
    if (lifecycle.state === "reconnecting") void nc.close();
  };
  if (signal.aborted) {
    onAbort();
    return;
  }
  signal.addEventListener("abort", onAbort, { once: true });
  void nc.closed().then(() => signal.removeEventListener("abort", onAbort));
}
