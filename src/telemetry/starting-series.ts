import { breakerStates, exhaustedCauses } from "../core/event-values.ts";
import { isRetryable, type Reason } from "../core/reasons.ts";
import type { DialEventName } from "../core/trace.ts";
import { endpointValues } from "./breaker-metrics.ts";
import { noError } from "./instrument.ts";
import { instruments } from "./instruments.ts";
import type { Sink } from "./sink.ts";

/** Why connections close that no pool and no client manages. */
const closeReasons = ["local", "remote", "reset", "timeout", "error"] as const;

/** The reasons of failures that any dialer may have, and those of each phase. */
const reasonsOf = {
  dialer: ["timeout", "_OTHER"],
  dnsDone: ["dns_not_found", "dns_temporary"],
  connectDone: ["refused", "reset", "unreachable", "access_denied", "local_resource"],
  proxyDone: ["proxy_auth", "proxy_rejected"],
  tlsHandshakeDone: [
    "tls_closed",
    "tls_cert_expired",
    "tls_cert_untrusted",
    "tls_hostname",
    "tls_client_cert",
    "tls_protocol",
  ],
} as const satisfies Partial<Record<DialEventName | "dialer", readonly Reason[]>>;

const phases = { dnsDone: "dns", connectDone: "connect", proxyDone: "proxy", tlsHandshakeDone: "tls" } as const;

/**
 * Starts the series that the layers and the base dialer beneath can change, at zero: `rate()` does not see the first
 * change of a series that appears with it. All other series appear with their first event.
 *
 * @param emits - events of what is beneath, as far as known.
 */
export function startSeries(sink: Sink, emits: readonly DialEventName[]): void {
  startConnections(sink);
  startPhases(sink, emits);
  const causes = (["dialer", ...emits] as const).flatMap((event): readonly Reason[] =>
    Object.hasOwn(reasonsOf, event) ? reasonsOf[event as keyof typeof reasonsOf] : [],
  );
  for (const reason of causes) sink.series("attemptFailed", { "error.type": reason });
  if (emits.includes("retryScheduled")) startRetries(sink, causes);
  if (emits.includes("failover")) for (const reason of causes) sink.series("failovers", { "error.type": reason });
  if (emits.includes("timeout")) {
    for (const scope of ["dial", "attempt"]) sink.series("timeouts", { "dialer.timeout.scope": scope });
  }
}

function startConnections(sink: Sink): void {
  for (const key of ["dialActive", "dialFailed", "dialCanceled", "attemptActive", "attemptStarted"] as const) {
    sink.series(key, {});
  }
  for (const key of ["attemptCanceled", "connectionEstablished", "connectionDuration"] as const) sink.series(key, {});
  sink.series("dialDuration", { "error.type": noError });
  sink.series("connectionCount", { "dialer.connection.state": "used" });
  for (const reason of closeReasons) sink.series("connectionClosed", { "dialer.close.reason": reason });
  for (const direction of instruments.connectionIo.labels["network.io.direction"]) {
    sink.series("connectionIo", { "network.io.direction": direction });
  }
}

function startPhases(sink: Sink, emits: readonly DialEventName[]): void {
  for (const [event, phase] of Object.entries(phases)) {
    if (!emits.includes(event as DialEventName)) continue;
    sink.series("phaseDuration", { "dialer.phase": phase, "error.type": noError });
  }
  if (!emits.includes("connectDone")) return;
  const { "network.type": families, "dialer.outcome": outcomes } = instruments.connectDone.labels;
  for (const family of families) {
    for (const outcome of outcomes) {
      sink.series("connectDone", { "network.transport": "tcp", "network.type": family, "dialer.outcome": outcome });
    }
  }
}

function startRetries(sink: Sink, causes: readonly Reason[]): void {
  sink.series("backoffTime", {});
  for (const reason of causes) {
    if (isRetryable(reason, 1)) sink.series("retryScheduled", { "error.type": reason });
  }
  for (const cause of exhaustedCauses) sink.series("retryExhausted", { "dialer.retry.cause": cause });
}

/** Starts the series of breakers. */
export function startBreakers(sink: Sink, endpoints: readonly string[]): void {
  for (const endpoint of endpointValues(endpoints)) {
    for (const state of breakerStates) {
      const labels = { "dialer.endpoint": endpoint, "dialer.breaker.state": state };
      sink.series("breakerStatus", labels);
      sink.series("breakerTransitions", labels);
    }
  }
}
