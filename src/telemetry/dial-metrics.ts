import type { Duplex } from "node:stream";
import { reasons } from "../core/reasons.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import { durationByErrorType } from "./duration-metrics.ts";
import { byValue, type Sink } from "./sink.ts";

/** Counts dials and attempts. `onEstablished` is called with the connection of each attempt that succeeded. */
export function dialMetrics(sink: Sink, onEstablished: (conn: Duplex, target: Target) => void) {
  const dialActive = sink.series("dialActive", {});
  const dialFailed = sink.series("dialFailed", {});
  const dialCanceled = sink.series("dialCanceled", {});
  const attemptActive = sink.series("attemptActive", {});
  const attemptStarted = sink.series("attemptStarted", {});
  const attemptCanceled = sink.series("attemptCanceled", {});
  const attemptFailed = byValue(reasons, (reason) => sink.series("attemptFailed", { "error.type": reason }));
  const dialDuration = durationByErrorType((type) => sink.series("dialDuration", { "error.type": type }));

  return {
    dialStart() {
      dialActive(1);
      sink.restore();
    },
    dialDone(info) {
      dialActive(-1);
      if (info.outcome === "canceled") dialCanceled(1);
      dialDuration(info);
      // The histogram series of a failure starts with that failure, and rate() misses the first value of a series.
      if (info.outcome === "failure") dialFailed(1);
    },
    attemptStart() {
      attemptStarted(1);
      attemptActive(1);
    },
    attemptDone({ target, outcome, reason, conn }) {
      attemptActive(-1);
      if (outcome === "canceled") attemptCanceled(1);
      else if (reason !== undefined) attemptFailed(reason)(1);
      else if (conn !== undefined) onEstablished(conn, target);
    },
  } satisfies DialTrace;
}
