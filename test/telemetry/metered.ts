import assert from "node:assert/strict";
import type { TLSSocket } from "node:tls";
import { Registry } from "prom-client";
import { withBreaker } from "../../src/breaker.ts";
import {
  compose,
  type Dialer,
  httpProxy,
  type Middleware,
  tls,
  withFailover,
  withRetry,
  withTimeout,
} from "../../src/index.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import type { Scrape } from "./exposition.ts";

/** Labels of a dialer without a name. */
export const me = { dialer_name: "default" };

/** The rows of the table that `withPrometheus` exposes, as they must appear in a scrape. */
export const table: readonly (readonly [string, string, readonly string[]])[] = [
  ["dialer_dial_duration_seconds", "histogram", ["error_type"]],
  ["dialer_dial_active", "gauge", []],
  ["dialer_dial_failed_total", "counter", []],
  ["dialer_dial_canceled_total", "counter", []],
  ["dialer_attempt_started_total", "counter", []],
  ["dialer_attempt_active", "gauge", []],
  ["dialer_attempt_failed_total", "counter", ["error_type"]],
  ["dialer_attempt_canceled_total", "counter", []],
  ["dialer_connection_established_total", "counter", []],
  ["dialer_phase_duration_seconds", "histogram", ["dialer_phase", "error_type"]],
  ["dialer_connect_done_total", "counter", ["network_transport", "network_type", "dialer_outcome"]],
  ["dialer_retry_scheduled_total", "counter", ["error_type"]],
  ["dialer_retry_exhausted_total", "counter", ["dialer_retry_cause"]],
  ["dialer_backoff_time_seconds_total", "counter", []],
  ["dialer_timeouts_total", "counter", ["dialer_timeout_scope"]],
  ["dialer_failovers_total", "counter", ["error_type"]],
  ["dialer_breaker_status", "gauge", ["dialer_endpoint", "dialer_breaker_state"]],
  ["dialer_breaker_transitions_total", "counter", ["dialer_endpoint", "dialer_breaker_state"]],
  ["dialer_limit_wait_duration_seconds", "histogram", ["dialer_limit_type"]],
  ["dialer_connection_count", "gauge", ["dialer_connection_state"]],
  ["dialer_connection_closed_total", "counter", ["dialer_close_reason"]],
  ["dialer_connection_duration_seconds", "histogram", []],
  ["dialer_connection_io_bytes_total", "counter", ["network_io_direction"]],
  ["dialer_tls_peer_certificate_expiry_timestamp_seconds", "gauge", []],
];

/** The nonzero series of a dialer, sorted; histograms by their counts. */
export function counted(scraped: Scrape): Record<string, string | string[]> {
  const seen: Record<string, string | string[]> = {};
  for (const [name, type] of table) {
    const found = scraped.nonZero(type === "histogram" ? `${name}_count` : name).sort();
    const short = name.replace(/^dialer_/, "").replace(/(_seconds|_bytes)?(_total)?$/, "");
    if (found.length > 0 && short !== "connection_io") seen[short] = found.map((each) => each.replace(/^ → /, ""));
  }
  return seen;
}

/** Asserts the invariant that holds at every scrape. */
export function assertInvariant(scraped: Scrape, name = "default"): void {
  const value = (metric: string, labels = {}) => scraped.value(metric, { dialer_name: name, ...labels });
  const failed = scraped.samples
    .filter((each) => each.name === "dialer_attempt_failed_total" && each.labels.dialer_name === name)
    .reduce((sum, each) => sum + each.value, 0);
  assert.equal(
    value("dialer_attempt_started_total"),
    value("dialer_connection_established_total") +
      failed +
      value("dialer_attempt_canceled_total") +
      value("dialer_attempt_active"),
    "attempts started = established + failed + canceled + active",
  );
}

/** A dialer with every layer and phase that has series of its own, beneath `observers`. */
export function everyLayer(observers: readonly Middleware[]): Dialer<TLSSocket> {
  return compose(
    ...observers,
    withTimeout({ timeoutMs: 5000 }),
    withRetry(),
    withFailover({ targets: ["a:1", "b:1"] }),
    withBreaker({ breaker: { consecutive: 5 } }),
    tls({}, httpProxy({ proxy: "http://proxy:3128" })),
  );
}

/** A dialer with `withPrometheus` and a registry of its own. */
export function observed(...layers: [...Middleware[], Dialer]): { registry: Registry; dial: Dialer } {
  const registry = new Registry();
  return { registry, dial: compose(withPrometheus({ registry }), ...layers) };
}
