import type { Duplex } from "node:stream";
import type { DialTrace } from "../core/trace.ts";
import { traceOf } from "../engine/tracker.ts";
import type { Linked } from "../support/linked-list.ts";
import { onDestroy } from "../support/on-destroy.ts";
import { freshen, isFit, unwatchIdle, watchIdle } from "./stream-mode.ts";

/** Where a connection of a pool is: leased, waiting to be, or no more of the pool. */
export type PooledState = "used" | "idle" | "gone";

/** What is told of a connection that nobody has asked to go. */
export interface PooledOwner<C extends Duplex> {
  /** It turned readable, or its peer ended it, while idle. */
  turnedReadable(pooled: Pooled<C>): void;
  /** It is being destroyed, whoever or whatever does it. */
  destroyed(pooled: Pooled<C>): void;
}

/** A connection and what its pool knows of it. */
export class Pooled<C extends Duplex> implements Linked<Pooled<C>> {
  next: Pooled<C> | undefined = undefined;
  prev: Pooled<C> | undefined = undefined;
  list: object | undefined = undefined;
  readonly conn: C;
  /** The hooks of the dial that has brought it. */
  readonly trace: DialTrace | undefined;
  /** What the caller of that dial had given as hooks: they are among those of {@link trace}. */
  readonly madeFor: DialTrace | undefined;
  readonly openedAt: number;
  /** When its lifetime is over. */
  readonly expiresAt: number;
  state: PooledState = "used";
  /** Whether anybody has had it. */
  lent = false;
  /** Since when it is leased, or idle. */
  since: number;
  readonly #onReadable: () => void;

  constructor(conn: C, openedAt: number, lifetimeMs: number, madeFor: DialTrace | undefined, owner: PooledOwner<C>) {
    this.conn = conn;
    this.trace = traceOf(conn);
    this.madeFor = this.trace === undefined ? undefined : madeFor;
    this.openedAt = openedAt;
    this.since = openedAt;
    this.expiresAt = openedAt + lifetimeMs;
    this.#onReadable = () => owner.turnedReadable(this);
    // For as long as it is the pool's: its holder may not listen, and an error that nobody hears ends the process.
    conn.on("error", ignore);
    onDestroy(conn, () => {
      // Its holder may have taken that off. The error is told a tick later.
      if (conn.listenerCount("error") === 0) conn.on("error", ignore);
      owner.destroyed(this);
    });
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
