import type { HooksOf } from "../core/trace.ts";
import { connectionMetrics } from "./connection-metrics.ts";
import { decisionMetrics } from "./decision-metrics.ts";
import { dialMetrics } from "./dial-metrics.ts";
import { phaseMetrics } from "./phase-metrics.ts";
import type { Sink } from "./sink.ts";

/**
 * Returns hooks that record the dials of one dialer in `sink`. The breakers of `endpoints` have separate
 * series.
 */
export function dialerMetrics(sink: Sink, endpoints: readonly string[] = []): HooksOf<"metrics"> {
  const certificates = sink.earliest("peerCertificateExpiry");
  const connections = connectionMetrics(sink, certificates);
  return {
    ...dialMetrics(sink, connections.established),
    ...phaseMetrics(sink, certificates),
    ...decisionMetrics(sink, endpoints),
    ...connections.hooks,
  };
}
