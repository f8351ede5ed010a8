import type { Duplex } from "node:stream";
import type { DialTrace } from "../core/trace.ts";
import { traceOf } from "../engine/tracker.ts";
import type { Linked } from "../support/linked-list.ts";
import { onDestroy } from "../support/on-destroy.ts";
import { freshen, isFit, unwatchIdle, watchIdle } from "./stream-mode.ts";

/** Whether a connection is leased, idle, or no longer part of the pool. */
export type PoolEntryState = "used" | "idle" | "gone";

/** Receives the events of a connection that the pool did not cause. */
export interface PoolEntryOwner<C extends Duplex> {
  /** An idle connection became readable, or its peer ended it. */
  turnedReadable(entry: PoolEntry<C>): void;
  /** The connection is being destroyed, for whatever reason. */
  destroyed(entry: PoolEntry<C>): void;
}

/** A connection and its state in the pool. */
export class PoolEntry<C extends Duplex> implements Linked<PoolEntry<C>> {
  next: PoolEntry<C> | undefined = undefined;
  prev: PoolEntry<C> | undefined = undefined;
  list: object | undefined = undefined;
  readonly conn: C;
  /** The hooks of the dial that opened the connection. */
  readonly trace: DialTrace | undefined;
  /** The `trace` option of the acquire that started the dial; its hooks are part of {@link trace}. */
  readonly madeFor: DialTrace | undefined;
  readonly openedAt: number;
  /** When the connection reaches its maximum lifetime. */
  readonly expiresAt: number;
  state: PoolEntryState = "used";
  /** Whether the connection has been leased before. */
  lent = false;
  /** When the current lease or idle period began. */
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
    // For as long as the pool owns the connection: without an error listener an error would end the process.
    conn.on("error", ignore);
    onDestroy(conn, () => {
      // The leaseholder may have removed the listener. Node emits the error a tick later.
      if (conn.listenerCount("error") === 0) conn.on("error", ignore);
      owner.destroyed(this);
    });
  }

  /** Whether the connection can be leased again. */
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
