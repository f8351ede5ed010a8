/** The fields of the events of connections, open and pooled. */
import type { Duplex } from "node:stream";
import type { CloseReason } from "./event-values.ts";
import type { Target } from "./target.ts";

/** What {@link DialTrace.gotConn} says. */
export interface GotConnInfo {
  /** The target that the pool was asked for. */
  readonly target: Target;
  /** The connection handed out. */
  readonly conn: Duplex;
  /** Whether the connection was idle in the pool. */
  readonly reused: boolean;
  /** How long it was idle, in milliseconds; only when reused. */
  readonly idleMs?: number | undefined;
}

/** What {@link DialTrace.putIdleConn} says. */
export interface PutIdleConnInfo {
  /** The target that the connection leads to. */
  readonly target: Target;
  /** The connection put back. */
  readonly conn: Duplex;
}

/** What {@link DialTrace.connClosed} says. */
export interface ConnClosedInfo {
  /** The target that the connection led to. */
  readonly target: Target;
  /** The closed connection. */
  readonly conn: Duplex;
  /** Why it closed. */
  readonly reason: CloseReason;
  /** Lifetime in milliseconds, from the attempt's success to the close. */
  readonly durationMs: number;
  /** Bytes received over its lifetime. */
  readonly bytesRead: number;
  /** Bytes sent over its lifetime. */
  readonly bytesWritten: number;
  /** The error that the connection was destroyed with, if any. */
  readonly error?: unknown;
}
