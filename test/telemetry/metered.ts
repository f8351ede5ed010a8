import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { compose, type Dialer, type Middleware } from "../../src/index.ts";
import { withPrometheus } from "../../src/prometheus.ts";
import type { Scrape } from "./exposition.ts";

/** Labels of a dialer without a name. */
export const me = { dialer_name: "default" };

/** The rows of the table that `withPrometheus` exposes, as they must appear in a scrape. */
export const table: readonly (readonly [string, string, readonly string[]])[] = [
  ["dialer_dial_duration_seconds", "histogram", ["error_type"]],
  ["dialer_dial_active", "gauge", []],
  ["dialer_dials_failed_total", "counter", []],
  ["dialer_dials_canceled_total", "counter", []],
  ["dialer_attempts_started_total", "counter", []],
  ["dialer_attempt_active", "gauge", []],
  ["dialer_attempts_failed_total", "counter", ["error_type"]],
  ["dialer_attempts_canceled_total", "counter", []],
  ["dialer_connections_established_total", "counter", []],
  ["dialer_phase_duration_seconds", "histogram", ["phase", "error_type"]],
  ["dialer_connects_total", "counter", ["network_type", "outcome"]],
  ["dialer_retries_total", "counter", ["error_type"]],
  ["dialer_retries_exhausted_total", "counter", ["cause"]],
  ["dialer_backoff_time_seconds_total", "counter", []],
  ["dialer_timeouts_total", "counter", ["scope"]],
  ["dialer_failovers_total", "counter", ["error_type"]],
  ["dialer_breaker_status", "gauge", ["endpoint", "state"]],
  ["dialer_breaker_transitions_total", "counter", ["endpoint", "state"]],
  ["dialer_limit_wait_duration_seconds", "histogram", ["limit"]],
  ["dialer_connection_count", "gauge", ["state"]],
  ["dialer_connections_closed_total", "counter", ["reason"]],
  ["dialer_connection_duration_seconds", "histogram", []],
  ["dialer_connection_io_bytes_total", "counter", ["direction"]],
  ["dialer_tls_peer_certificate_expiry_timestamp_seconds", "gauge", []],
];

/** The nonzero series of a dialer; histograms by their counts. */
export function counted(scraped: Scrape): Record<string, string | string[]> {
  const seen: Record<string, string | string[]> = {};
  for (const [name, type] of table) {
    const found = scraped.nonZero(type === "histogram" ? `${name}_count` : name);
    const short = name.replace(/^dialer_/, "").replace(/(_seconds|_bytes)?(_total)?$/, "");
    if (found.length > 0 && short !== "connection_io") seen[short] = found.map((each) => each.replace(/^ → /, ""));
  }
  return seen;
}

/** Asserts the invariant that holds at every scrape. */
export function assertInvariant(scraped: Scrape, name = "default"): void {
  const value = (metric: string, labels = {}) => scraped.value(metric, { dialer_name: name, ...labels });
  const failed = scraped.samples
    .filter((each) => each.name === "dialer_attempts_failed_total" && each.labels.dialer_name === name)
    .reduce((sum, each) => sum + each.value, 0);
  assert.equal(
    value("dialer_attempts_started_total"),
    value("dialer_connections_established_total") +
      failed +
      value("dialer_attempts_canceled_total") +
      value("dialer_attempt_active"),
    "attempts started = established + failed + canceled + active",
  );
}

/** A dialer with `withPrometheus` and a registry of its own. */
export function observed(...layers: [...Middleware[], Dialer]): { registry: Registry; dial: Dialer } {
  const registry = new Registry();
  return { registry, dial: compose(withPrometheus({ registry }), ...layers) };
}
