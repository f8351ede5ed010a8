import type { Duplex } from "node:stream";
import { reasons } from "../core/reasons.ts";
import type { DialTrace } from "../core/trace.ts";
import { durationByErrorType } from "./duration-metrics.ts";
import { byValue, type Sink } from "./sink.ts";

/** Counts dials and attempts. `onEstablished` is called with the connection of each attempt that succeeded. */
export function dialMetrics(sink: Sink, onEstablished: (conn: Duplex) => void) {
  const dialActive = sink.series("dialActive", {});
  const dialsFailed = sink.series("dialsFailed", {});
  const dialsCanceled = sink.series("dialsCanceled", {});
  const attemptActive = sink.series("attemptActive", {});
  const attemptsStarted = sink.series("attemptsStarted", {});
  const attemptsCanceled = sink.series("attemptsCanceled", {});
  const attemptsFailed = byValue(reasons, (reason) => sink.series("attemptsFailed", { "error.type": reason }));
  const dialDuration = durationByErrorType((type) => sink.series("dialDuration", { "error.type": type }));

  return {
    dialStart() {
      dialActive(1);
    },
    dialDone(info) {
      dialActive(-1);
      if (info.outcome === "canceled") dialsCanceled(1);
      dialDuration(info);
      // The histogram series of a failure starts with that failure, and rate() misses the first value of a series.
      if (info.outcome === "failure") dialsFailed(1);
    },
    attemptStart() {
      attemptsStarted(1);
      attemptActive(1);
    },
    attemptDone({ outcome, reason, conn }) {
      attemptActive(-1);
      if (outcome === "canceled") attemptsCanceled(1);
      else if (reason !== undefined) attemptsFailed(reason)(1);
      else if (conn !== undefined) onEstablished(conn);
    },
  } satisfies DialTrace;
}
