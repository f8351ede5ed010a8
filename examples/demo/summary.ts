import type { Registry } from "prom-client";

/** Summarizes the run in a few lines, from the metrics alone. */
export async function summarize(registry: Registry): Promise<string[]> {
  const samples = (await registry.getMetricsAsJSON()).flatMap(({ name, values }) =>
    values.map(({ value, labels, ...sample }) => ({
      name: "metricName" in sample ? String(sample.metricName) : name,
      labels: labels as Record<string, string | number | undefined>,
      value,
    })),
  );
  const of = (name: string) => samples.filter((sample) => sample.name === name && sample.value > 0);
  const total = (name: string) => of(name).reduce((sum, { value }) => sum + value, 0);
  const by = (name: string, label: string) => {
    const parts = of(name).map(({ labels, value }) => `${value} ${labels[label]}`);
    return parts.length === 0 ? "" : `: ${parts.join(", ")}`;
  };
  const dials = total("dialer_dial_duration_seconds_count") + total("dialer_dial_canceled_total");
  const reasons = "error_type";
  return [
    "totals from the metrics:",
    `  dials        ${dials} (${total("dialer_dial_canceled_total")} canceled)`,
    `  attempts     ${total("dialer_attempt_started_total")} (${total("dialer_attempt_failed_total")} failed${by("dialer_attempt_failed_total", reasons)})`,
    `  retries      ${total("dialer_retry_scheduled_total")} (delays of ${total("dialer_backoff_time_seconds_total").toFixed(1)} s in total)`,
    `  disconnects  ${total("nats_client_disconnects_total")}${by("nats_client_disconnects_total", "nats_client_disconnect_reason")}`,
    `  outages      ${total("nats_client_outage_duration_seconds_count")} (${total("nats_client_outage_duration_seconds_sum").toFixed(1)} s in total)`,
  ];
}
