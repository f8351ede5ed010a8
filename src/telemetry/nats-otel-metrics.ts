import type { MeterProvider } from "@opentelemetry/api";
import type { ClientObserver } from "../client/client-trace.ts";
import { markObserver } from "../support/observed-places.ts";
import { markFactories } from "../support/roles.ts";
import { checkOptions } from "../support/validate.ts";
import { checkName } from "./check-name.ts";
import { clientMetrics } from "./client-metrics.ts";
import { otelSink } from "./otel-instruments.ts";
import { checkMeterProvider } from "./otel-metrics.ts";
import { whenRegistered } from "./when-registered.ts";

export interface NatsOtelMetricsOptions {
  /** Where measurements go. @defaultValue the provider registered with `@opentelemetry/api` */
  meterProvider?: MeterProvider | undefined;
  /** Value of the attribute `dialer.name`; of the dialer that the client uses, for their panels to join. @defaultValue `"default"` */
  name?: string | undefined;
}

/**
 * Counts the life of NATS clients through OpenTelemetry's Metrics API: the same instruments as
 * `natsMetrics` has. For `connect({ trace })` of `dialtrace/nats`. Where no provider is given, one must
 * be registered by the time that a client is first observed, or that client isn't counted.
 *
 * @throws TypeError at construction, naming the option.
 */
export function natsOtelMetrics(options: NatsOtelMetricsOptions = {}): ClientObserver {
  checkOptions("natsOtelMetrics", options, { meterProvider: true, name: true });
  const { meterProvider, name = "default" } = options;
  checkMeterProvider("natsOtelMetrics", meterProvider);
  checkName("natsOtelMetrics", name);

  const find = whenRegistered(meterProvider, (provider) => clientMetrics(otelSink(provider, name)));
  const observe: ClientObserver = (client) => find()?.(client);
  return markObserver(observe, "clients", { factory: "natsOtelMetrics", name, into: meterProvider });
}

markFactories({ natsOtelMetrics });
