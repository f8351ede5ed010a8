import type { HooksOf } from "../core/trace.ts";
import { connectionMetrics } from "./connection-metrics.ts";
import { decisionMetrics } from "./decision-metrics.ts";
import { dialMetrics } from "./dial-metrics.ts";
import { phaseMetrics } from "./phase-metrics.ts";
import type { Sink } from "./sink.ts";

/**
 * Hooks that count and time dials into `sink`, for any metrics library. The breakers of `endpoints` have
 * series of their own.
 */
export function dialerMetrics(sink: Sink, endpoints: readonly string[] = []): HooksOf<"metrics"> {
  const connections = connectionMetrics(sink);
  return {
    ...dialMetrics(sink, connections.established),
    ...phaseMetrics(sink),
    ...decisionMetrics(sink, endpoints),
    ...connections.hooks,
  };
}
