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
  let closedLocally = false;

  // Node ends our side by itself after the FIN of the peer; the side that ends first has closed the connection.
  const final = conn._final as Final | undefined;
  if (final !== undefined) {
    conn._final = function finalTracked(callback) {
      closedLocally = !conn.readableEnded;
      final.call(this, callback);
    };
  }

  onDestroy(conn, (error) => {
    emit(trace, "connClosed", {
      target,
      conn,
      reason: statedReasons.get(conn) ?? closeReason(conn, error, closedLocally),
      durationMs: clock.now() - openedAt,
      bytesRead: (conn as Socket).bytesRead ?? 0,
      bytesWritten: (conn as Socket).bytesWritten ?? 0,
      ...(error && { error }),
    });
  });
}

function closeReason(conn: Duplex, error: Error | null, closedLocally: boolean): CloseReason {
  if (error === null || error === undefined) return closedLocally || !conn.readableEnded ? "local" : "remote";
  return closeReasonOf(error);
}

/** Returns the close reason of a connection that was destroyed with `error`. */
export function closeReasonOf(error: unknown): CloseReason {
  const reason = classify(error);
  return reason === "reset" || reason === "timeout" ? reason : "error";
}
