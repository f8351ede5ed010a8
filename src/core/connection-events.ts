/** The fields of the events of connections, open and pooled. */
import type { Duplex } from "node:stream";
import type { CloseReason } from "./event-values.ts";
import type { Target } from "./target.ts";

/** Argument of {@link DialTrace.gotConn}. */
export interface GotConnInfo {
  /** Target of the acquire. */
  readonly target: Target;
  /** The leased connection. */
  readonly conn: Duplex;
  /** Whether the connection was idle in the pool. */
  readonly reused: boolean;
  /** How long it was idle, in milliseconds; only when reused. */
  readonly idleMs?: number | undefined;
}

/** Argument of {@link DialTrace.putIdleConn}. */
export interface PutIdleConnInfo {
  /** Target of the connection. */
  readonly target: Target;
  /** The connection returned to the pool. */
  readonly conn: Duplex;
}

/** Argument of {@link DialTrace.connClosed}. */
export interface ConnClosedInfo {
  /** Target of the connection. */
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
