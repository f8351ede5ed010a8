import { exhaustedCauses, limits } from "../core/event-values.ts";
import { reasons } from "../core/reasons.ts";
import type { DialTrace } from "../core/trace.ts";
import { instruments } from "./instruments.ts";
import { byValue, lazily, type Sink } from "./sink.ts";

/** Counts the decisions of layers: retries, timeouts, failovers and waits at limits. */
export function decisionMetrics(sink: Sink) {
  const backoffTime = lazily(() => sink.series("backoffTime", {}));
  const retries = byValue(reasons, (reason) => sink.series("retryScheduled", { "error.type": reason }));
  const exhausted = byValue(exhaustedCauses, (cause) => sink.series("retryExhausted", { "dialer.retry.cause": cause }));
  const failovers = byValue(reasons, (reason) => sink.series("failovers", { "error.type": reason }));
  const timeouts = byValue(instruments.timeouts.labels["dialer.timeout.scope"], (scope) =>
    sink.series("timeouts", { "dialer.timeout.scope": scope }),
  );
  const limitWaits = byValue(limits, (each) => sink.series("limitWaitDuration", { "dialer.limit.type": each }));

  return {
    retryScheduled({ reason, delayMs }) {
      retries(reason)(1);
      backoffTime()(delayMs / 1000);
    },
    startDelayed: ({ delayMs }) => backoffTime()(delayMs / 1000),
    retryExhausted: ({ cause }) => exhausted(cause)(1),
    timeout: ({ scope }) => timeouts(scope)(1),
    failover: ({ reason }) => failovers(reason)(1),
    limitWait({ limit, outcome, durationMs }) {
      // A dial that was rejected because the queue was full has not waited.
      if (outcome === "canceled" || durationMs === 0) return;
      limitWaits(limit)(durationMs / 1000);
    },
  } satisfies DialTrace;
}
