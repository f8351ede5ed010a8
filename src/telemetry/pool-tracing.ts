import { trace } from "@opentelemetry/api";
import type { AcquireDoneInfo, PoolTrace } from "../pool/pool-trace.ts";
import { markObserver } from "../support/observed-places.ts";
import { markFactories } from "../support/roles.ts";
import { dialedSpan } from "./dialed-spans.ts";

/**
 * Adds an event `pool acquire` with outcome, target and wait to the active span, and on a hit a link to the dial that
 * made the connection. The pool's own dials are traced by `withTracing` in its dialer. For `pool({ trace })`.
 *
 * @example
 * const connections = pool({ dialer: compose(withTracing(), tcp()), trace: poolTracing() });
 */
export function poolTracing(): PoolTrace {
  return markObserver({ acquireDone: annotateActiveSpan }, "pools", { factory: "poolTracing", name: "default" });
}

markFactories({ poolTracing });

function annotateActiveSpan({ target, outcome, waitMs, conn }: AcquireDoneInfo): void {
  const span = trace.getActiveSpan();
  if (span === undefined || !span.isRecording()) return;
  span.addEvent("pool acquire", {
    "dialer.pool.outcome": outcome,
    "dialer.endpoint": String(target),
    "dialer.pool.wait.duration": waitMs / 1000,
  });
  const dialed = outcome === "hit" && conn !== undefined ? dialedSpan(conn) : undefined;
  if (dialed !== undefined) span.addLink({ context: dialed, attributes: { "dialer.link": "pooled_connection" } });
}
