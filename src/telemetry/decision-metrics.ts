import { exhaustedCauses, type Limit, limits } from "../core/event-values.ts";
import { reasons } from "../core/reasons.ts";
import type { DialTrace } from "../core/trace.ts";
import { breakerMetrics } from "./breaker-metrics.ts";
import { instruments } from "./instruments.ts";
import { type Add, byValue, type Sink } from "./sink.ts";

/** Counts the decisions of layers: retries, timeouts, failovers, breaker changes and waits at limits. */
export function decisionMetrics(sink: Sink, endpoints: readonly string[]) {
  const backoffTime = sink.series("backoffTime", {});
  const retries = byValue(reasons, (reason) => sink.series("retryScheduled", { "error.type": reason }));
  const exhausted = byValue(exhaustedCauses, (cause) => sink.series("retryExhausted", { "dialer.retry.cause": cause }));
  const failovers = byValue(reasons, (reason) => sink.series("failovers", { "error.type": reason }));
  const timeouts = byValue(instruments.timeouts.labels["dialer.timeout.scope"], (scope) =>
    sink.series("timeouts", { "dialer.timeout.scope": scope }),
  );
  // Most dialers have no limits, so these histograms are created at the first wait.
  let limitWaits: ((limit: Limit) => Add) | undefined;

  return {
    retryScheduled({ reason, delayMs }) {
      retries(reason)(1);
      backoffTime(delayMs / 1000);
    },
    startDelayed: ({ delayMs }) => backoffTime(delayMs / 1000),
    retryExhausted: ({ cause }) => exhausted(cause)(1),
    timeout: ({ scope }) => timeouts(scope)(1),
    failover: ({ reason }) => failovers(reason)(1),
    breakerChange: breakerMetrics(sink, endpoints),
    limitWait({ limit, outcome, durationMs }) {
      // A dial that was rejected because the queue was full has not waited.
      if (outcome === "canceled" || durationMs === 0) return;
      limitWaits ??= byValue(limits, (each) => sink.series("limitWaitDuration", { "dialer.limit.type": each }));
      limitWaits(limit)(durationMs / 1000);
    },
  } satisfies DialTrace;
}
