import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../async/clock.ts";
import { classify } from "../core/classify.ts";
import type { CloseReason } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import { onDestroy } from "../support/on-destroy.ts";
import { emit, wants } from "./hook-chain.ts";

type Final = (callback: (error?: Error | null) => void) => void;

/** Close reasons set by owners, because the stream alone cannot tell them. */
const statedReasons = new WeakMap<Duplex, CloseReason>();

/** Sets the reason why `conn` is about to be destroyed, if the stream cannot tell it (such as an idle timeout of a pool). */
export function setCloseReason(conn: Duplex, reason: CloseReason): void {
  statedReasons.set(conn, reason);
}

/** Stored on the connection itself: a `WeakMap` of short-lived objects costs more garbage collection than a dial. */
const traceKey: unique symbol = Symbol("dialtrace.trace");

interface Traced {
  [traceKey]?: DialTrace;
}

/** Returns the hooks of the dial that created `conn`, for owners that reuse it (a pool); `undefined` without hooks. */
export function traceOf(conn: Duplex): DialTrace | undefined {
  return (conn as Traced)[traceKey];
}

/** Reports the close of `conn`, which has just opened, to `trace` exactly once. */
export function trackClose(conn: Duplex, target: Target, clock: Clock, trace: DialTrace): void {
  if (wants(trace, "gotConn") || wants(trace, "putIdleConn")) (conn as Traced)[traceKey] = trace;
  if (!wants(trace, "connClosed")) return;
  const openedAt = clock.now();
  const reasonOf = watchEnd(conn);

  onDestroy(conn, (error) => {
    const reason = reasonOf(error);
    emit(trace, "connClosed", {
      target,
      conn,
      reason: statedReasons.get(conn) ?? reason,
      durationMs: clock.now() - openedAt,
      bytesRead: (conn as Socket).bytesRead ?? 0,
      bytesWritten: (conn as Socket).bytesWritten ?? 0,
      ...(error && { error }),
    });
  });
}

/**
 * Watches which side ends `conn` first.
 *
 * @returns a function to call once, when `conn` is destroyed with an error or `null`.
 */
export function watchEnd(conn: Duplex): (error: Error | null) => CloseReason {
  let closedLocally = false;
  // Node ends our side by itself after the FIN of the peer; the side that ends first has closed the connection.
  const final = conn._final as Final | undefined;
  const tracked: Final = function finalTracked(this: Duplex, callback) {
    closedLocally = !conn.readableEnded;
    final?.call(this, callback);
  };
  if (final !== undefined) conn._final = tracked;
  return (error) => {
    // A socket that its owner connects again is watched once more.
    if (final !== undefined && conn._final === tracked) conn._final = final;
    if (error !== null && error !== undefined) return closeReasonOf(error);
    return closedLocally || !conn.readableEnded ? "local" : "remote";
  };
}

/** Returns the close reason of a connection that was destroyed with `error`. */
export function closeReasonOf(error: unknown): CloseReason {
  const reason = classify(error);
  return reason === "reset" || reason === "timeout" ? reason : "error";
}
