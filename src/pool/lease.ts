import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import type { PoolEntry } from "./pool-entry.ts";

/** Where leases are given back to. */
export interface LeaseHome<C extends Duplex> {
  readonly target: Target;
  putConn(entry: PoolEntry<C>, trace: DialTrace | undefined, error: unknown): void;
  releasedAgain(): void;
}

/**
 * A connection that is one caller's until he releases it. What he has put on it (listeners, an encoding, a
 * timeout) is his to take off again; what he has written must have been sent, and what was answered, read.
 */
export class Lease<C extends Duplex = Socket> implements Disposable, AsyncDisposable {
  readonly conn: C;
  /** Whether the connection had been used or kept before; `false` for one just dialed. */
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

  get target(): Target {
    return this.#home.target;
  }

  /**
   * Gives the connection back: to the caller who has waited longest, or to wait for the next. Once more is
   * ignored, and counted.
   *
   * @param error - what went wrong on it, if anything: the connection is destroyed then, as it is when it has ended or
   * holds bytes that nobody has read.
   */
  release(error?: unknown): void {
    if (this.#released) {
      this.#home.releasedAgain();
      return;
    }
    this.#released = true;
    this.#home.putConn(this.#entry, this.#trace, error);
  }

  /** The same as `release()`; nothing happens when that has been called. */
  [Symbol.dispose](): void {
    if (!this.#released) this.release();
  }

  /** The same as `release()`; nothing happens when that has been called. */
  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
  }
}
