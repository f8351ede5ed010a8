import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import type { PoolEntry } from "./pool-entry.ts";

/** Receives released connections. */
export interface LeaseHome<C extends Duplex> {
  readonly target: Target;
  putConn(entry: PoolEntry<C>, trace: DialTrace | undefined, error: unknown): void;
  /** A lease was released that had been released before. */
  releasedAgain(): void;
}

/**
 * Exclusive use of a connection until it is released. Before releasing it, remove what you added to the connection
 * (listeners, an encoding, a timeout), and make sure that all writes were sent and all responses were read.
 */
export class Lease<C extends Duplex = Socket> implements Disposable, AsyncDisposable {
  /** The leased connection. */
  readonly conn: C;
  /** Whether the connection was leased or idle before; `false` when it was just dialed. */
  readonly reused: boolean;
  readonly #home: LeaseHome<C>;
  readonly #entry: PoolEntry<C>;
  readonly #trace: DialTrace | undefined;
  #released = false;

  /** @internal */
  constructor(home: LeaseHome<C>, entry: PoolEntry<C>, reused: boolean, trace: DialTrace | undefined) {
    this.conn = entry.conn;
    this.reused = reused;
    this.#home = home;
    this.#entry = entry;
    this.#trace = trace;
  }

  /** The target of the connection. */
  get target(): Target {
    return this.#home.target;
  }

  /**
   * Returns the connection to the pool: to the waiter at the head of the queue, or to the idle connections. A second
   * call is ignored, and counted as a double release.
   *
   * @param error - an error of the protocol: the connection is then destroyed. It is also destroyed when it has ended
   * or holds unread bytes.
   */
  release(error?: unknown): void {
    if (this.#released) {
      this.#home.releasedAgain();
      return;
    }
    this.#released = true;
    this.#home.putConn(this.#entry, this.#trace, error);
  }

  /** Calls `release()` unless the lease was released before. */
  [Symbol.dispose](): void {
    if (!this.#released) this.release();
  }

  /** Calls `release()` unless the lease was released before. */
  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
  }
}
