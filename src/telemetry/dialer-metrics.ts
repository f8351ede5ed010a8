import type { DialEventName, HooksOf } from "../core/trace.ts";
import { breakerMetrics } from "./breaker-metrics.ts";
import { connectionMetrics } from "./connection-metrics.ts";
import { decisionMetrics } from "./decision-metrics.ts";
import { dialMetrics } from "./dial-metrics.ts";
import { phaseMetrics } from "./phase-metrics.ts";
import type { Sink } from "./sink.ts";
import { startBreakers, startSeries } from "./starting-series.ts";

/** Where the metrics of one dialer go. */
export interface DialerSinks {
  /** Series of the dialer: its breakers and certificates, which its dials share. */
  readonly dialer: Sink;
  /** Series of its dials, or of those with certain attributes. */
  readonly dials: Sink;
  /** Targets whose breakers have separate series. */
  readonly endpoints: readonly string[];
}

/** The metrics of one dialer, or of its dials with certain attributes. */
export interface DialerMetrics {
  readonly hooks: HooksOf<"metrics">;
  /** Starts the series that what is beneath can change. `emits` are its events, as far as known. */
  start(emits: readonly DialEventName[]): void;
}

/** Returns the metrics of the dials of one dialer. */
export function dialerMetrics({ dialer, dials, endpoints }: DialerSinks): DialerMetrics {
  const certificates = dialer.earliest("peerCertificateExpiry", {});
  const connections = connectionMetrics(dials, certificates);
  return {
    hooks: {
      ...dialMetrics(dials, connections.established),
      ...phaseMetrics(dials, certificates),
      ...decisionMetrics(dials),
      breakerChange: breakerMetrics(dialer, endpoints),
      ...connections.hooks,
    },
    start(emits) {
      startSeries(dials, emits);
      if (emits.includes("breakerChange") || endpoints.length > 0) startBreakers(dialer, endpoints);
    },
  };
}
