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

/** Reasons that an owner gave beforehand, because the stream alone can't tell. */
const statedReasons = new WeakMap<Duplex, CloseReason>();

/** Says why `conn` is about to be destroyed, for owners that know better than the stream (a pool's idle timeout). */
export function setCloseReason(conn: Duplex, reason: CloseReason): void {
  statedReasons.set(conn, reason);
}

/** On the connection itself: a WeakMap of what lives briefly costs the collector more than all the rest of a dial. */
const traceKey: unique symbol = Symbol("dialtrace.trace");

interface Traced {
  [traceKey]?: DialTrace;
}

/** The hooks of the dial that has brought `conn`, for owners that hand it out again (a pool); none where nobody listens. */
export function traceOf(conn: Duplex): DialTrace | undefined {
  return (conn as Traced)[traceKey];
}

/** Reports the close of `conn`, which opened now, to `trace`, exactly once. */
export function trackClose(conn: Duplex, target: Target, clock: Clock, trace: DialTrace): void {
  if (wants(trace, "gotConn") || wants(trace, "putIdleConn")) (conn as Traced)[traceKey] = trace;
  if (!wants(trace, "connClosed")) return;
  const openedAt = clock.now();
  let closedLocally = false;

  // Node finishes our side by itself after the peer's FIN; whoever finishes first has closed.
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
  const reason = classify(error);
  return reason === "reset" || reason === "timeout" ? reason : "error";
}
