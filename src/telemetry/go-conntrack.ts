import { Counter } from "prom-client";
import type { Reason } from "../core/reasons.ts";
import type { DialTrace } from "../core/trace.ts";
import type { AnyRegistry } from "./prometheus-instruments.ts";

const failureReasons = ["resolution", "refused", "timeout", "unknown"] as const;

/**
 * Returns hooks for the four dialer counters of go-conntrack, with its names and its label `dialer_name`, so
 * that its dashboards keep working. Unlike go-conntrack, a refused attempt is counted under one reason
 * only, a canceled attempt under none, and a close once.
 *
 * @see https://github.com/mwitkow/go-conntrack
 */
export function goConntrackHooks(registry: AnyRegistry, name: string): DialTrace {
  const series = (what: string, help: string) => {
    const metric = counter(registry, `net_conntrack_dialer_conn_${what}_total`, help, ["dialer_name"]);
    const child = metric.labels({ dialer_name: name });
    child.inc(0);
    return () => child.inc();
  };
  const attempted = series("attempted", "Total number of connections attempted by the given dialer a given name.");
  const established = series(
    "established",
    "Total number of connections successfully established by the given dialer a given name.",
  );
  const closed = series(
    "closed",
    "Total number of connections closed which originated from the dialer of a given name.",
  );
  const failed = counter(
    registry,
    "net_conntrack_dialer_conn_failed_total",
    "Total number of connections failed to dial by the dialer a given name.",
    ["dialer_name", "reason"],
  );
  for (const reason of failureReasons) failed.inc({ dialer_name: name, reason }, 0);

  return {
    attemptStart: attempted,
    attemptDone({ outcome, reason }) {
      if (outcome === "success") established();
      if (reason !== undefined) failed.inc({ dialer_name: name, reason: conntrackReason(reason) });
    },
    connClosed: closed,
  };
}

function conntrackReason(reason: Reason): (typeof failureReasons)[number] {
  if (reason === "dns_not_found" || reason === "dns_temporary") return "resolution";
  if (reason === "refused" || reason === "timeout") return reason;
  return "unknown";
}

function counter(registry: AnyRegistry, name: string, help: string, labelNames: string[]): Counter {
  const existing = registry.getSingleMetric(name) as Counter | undefined;
  return existing ?? new Counter({ name, help, labelNames, registers: [registry] });
}
