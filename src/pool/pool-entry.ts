import type { Duplex } from "node:stream";
import type { DialTrace } from "../core/trace.ts";
import { traceOf } from "../engine/tracker.ts";
import type { Linked } from "../support/linked-list.ts";
import { freshen, isFit, unwatchIdle, watchIdle } from "./stream-mode.ts";

type Destroy = (error: Error | null, callback: (error?: Error | null) => void) => void;

/** Where a connection of a pool is: leased, waiting to be, or no more of the pool. */
export type PoolEntryState = "used" | "idle" | "gone";

/** What is told of a connection that nobody has asked to go. */
export interface PoolEntryOwner<C extends Duplex> {
  /** It turned readable, or its peer ended it, while idle. */
  turnedReadable(entry: PoolEntry<C>): void;
  /** It is being destroyed, whoever or whatever does it. */
  destroyed(entry: PoolEntry<C>): void;
}

/** A connection and what its pool knows of it. */
export class PoolEntry<C extends Duplex> implements Linked<PoolEntry<C>> {
  newer: PoolEntry<C> | undefined = undefined;
  older: PoolEntry<C> | undefined = undefined;
  list: object | undefined = undefined;
  readonly conn: C;
  /** The hooks of the dial that has brought it. */
  readonly trace: DialTrace | undefined;
  /** What the caller of that dial had given as hooks: they are among those of {@link trace}. */
  readonly madeFor: DialTrace | undefined;
  readonly openedAt: number;
  /** When its lifetime is over. */
  readonly expiresAt: number;
  state: PoolEntryState = "used";
  /** Whether anybody has had it. */
  lent = false;
  /** Since when it is leased, or idle. */
  since: number;
  readonly #onReadable: () => void;

  constructor(conn: C, openedAt: number, lifetimeMs: number, madeFor: DialTrace | undefined, owner: PoolEntryOwner<C>) {
    this.conn = conn;
    this.trace = traceOf(conn);
    this.madeFor = this.trace === undefined ? undefined : madeFor;
    this.openedAt = openedAt;
    this.since = openedAt;
    this.expiresAt = openedAt + lifetimeMs;
    this.#onReadable = () => owner.turnedReadable(this);
    // For as long as it is the pool's: its holder may not listen, and an error that nobody hears ends the process.
    conn.on("error", ignore);
    // Not a listener: users call removeAllListeners() on what they are given. Node calls it once, whatever ends a stream.
    const destroy = conn._destroy as Destroy;
    conn._destroy = (error, callback) => {
      // Its holder may have taken that off. The error is told a tick later.
      if (conn.listenerCount("error") === 0) conn.on("error", ignore);
      owner.destroyed(this);
      destroy.call(conn, error, callback);
    };
  }

  get fit(): boolean {
    return isFit(this.conn);
  }

  watch(): void {
    watchIdle(this.conn, this.#onReadable);
  }

  unwatch(): void {
    unwatchIdle(this.conn, this.#onReadable);
  }

  freshen(): void {
    freshen(this.conn);
  }
}

function ignore(): void {}
