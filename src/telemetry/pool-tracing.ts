import { trace } from "@opentelemetry/api";
import type { AcquireDoneInfo, PoolTrace } from "../pool/pool-trace.ts";
import { markObserver } from "../support/observed-places.ts";
import { markFactories } from "../support/roles.ts";
import { dialedSpan } from "./dialed-spans.ts";

/**
 * Tells the active span of what it had from a pool: an event `pool acquire` with outcome, target and wait, and on a
 * hit a link to the dial that had made the connection. Dials that a pool makes are traced by `withTracing` in its
 * dialer. For `pool({ trace })`.
 *
 * @example
 * const connections = pool({ dialer: compose(withTracing(), tcp()), trace: poolTracing() });
 */
export function poolTracing(): PoolTrace {
  return markObserver({ acquireDone: tellActiveSpan }, "pools", { factory: "poolTracing", name: "default" });
}

markFactories({ poolTracing });

function tellActiveSpan({ target, outcome, waitMs, conn }: AcquireDoneInfo): void {
  const span = trace.getActiveSpan();
  if (span === undefined || !span.isRecording()) return;
  span.addEvent("pool acquire", {
    "dialer.pool.outcome": outcome,
    "dialer.endpoint": String(target),
    "dialer.pool.wait": waitMs / 1000,
  });
  const made = outcome === "hit" && conn !== undefined ? dialedSpan(conn) : undefined;
  if (made !== undefined) span.addLink({ context: made, attributes: { "dialer.link": "pooled_connection" } });
}
