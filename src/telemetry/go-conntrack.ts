import type { Reason } from "../core/reasons.ts";
import type { DialTrace } from "../core/trace.ts";
import type { Instrument } from "./instrument.ts";
import type { KeptCounter } from "./kept-metrics.ts";
import { type AnyRegistry, metricsOf } from "./registry-metrics.ts";

const failureReasons = ["resolution", "refused", "timeout", "unknown"] as const;

/** One row of go-conntrack's own names. They don't follow the conventions of the table of metrics. */
function counter(what: string, help: string, labels: Instrument["labels"] = {}): Instrument {
  return { name: `net.conntrack.dialer.conn.${what}`, kind: "counter", unit: "", help, labels };
}

const counters = {
  attempted: counter("attempted", "Total number of connections attempted by the given dialer a given name."),
  established: counter(
    "established",
    "Total number of connections successfully established by the given dialer a given name.",
  ),
  closed: counter("closed", "Total number of connections closed which originated from the dialer of a given name."),
  failed: counter("failed", "Total number of connections failed to dial by the dialer a given name.", {
    reason: failureReasons,
  }),
};

/** The rows of go-conntrack's counters. */
export const goConntrackCounters: readonly Instrument[] = Object.values(counters);

/**
 * Returns hooks for the four dialer counters of go-conntrack, with its names and its label `dialer_name`, so
 * that its dashboards keep working. Unlike go-conntrack, a refused attempt is counted under one reason
 * only, a canceled attempt under none, and a close once.
 *
 * @see https://github.com/mwitkow/go-conntrack
 */
export function goConntrackHooks(registry: AnyRegistry, name: string): DialTrace {
  const metrics = metricsOf(registry);
  const series = (row: Instrument, labels = {}) =>
    (metrics.metric(row) as KeptCounter).series({ dialer_name: name, ...labels });
  const attempted = series(counters.attempted);
  const established = series(counters.established);
  const closed = series(counters.closed);
  const failed = new Map(failureReasons.map((reason) => [reason, series(counters.failed, { reason })]));

  return {
    attemptStart: () => attempted(1),
    attemptDone({ outcome, reason }) {
      if (outcome === "success") established(1);
      if (reason !== undefined) failed.get(conntrackReason(reason))?.(1);
    },
    connClosed: () => closed(1),
  };
}

function conntrackReason(reason: Reason): (typeof failureReasons)[number] {
  if (reason === "dns_not_found" || reason === "dns_temporary") return "resolution";
  if (reason === "refused" || reason === "timeout") return reason;
  return "unknown";
}
