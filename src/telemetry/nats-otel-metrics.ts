import type { MeterProvider } from "@opentelemetry/api";
import type { ClientObserver } from "../client/client-trace.ts";
import { markObserver } from "../support/observed-places.ts";
import { markFactories } from "../support/roles.ts";
import { checkOptions } from "../support/validate.ts";
import { checkName } from "./check-name.ts";
import { clientMetrics } from "./client-metrics.ts";
import { ownerLabel } from "./instrument.ts";
import { otelSink } from "./otel-instruments.ts";
import { checkMeterProvider } from "./otel-metrics.ts";
import { readFixedAttributes } from "./own-attributes.ts";
import { whenRegistered } from "./when-registered.ts";

/** Options of {@link natsOtelMetrics}. */
export interface NatsOtelMetricsOptions {
  /** Provider of the meter. @defaultValue the provider registered with `@opentelemetry/api` */
  meterProvider?: MeterProvider | undefined;
  /**
   * Value of the attribute `dialer.name`, 1 to 128 characters. Use the name of the client's dialer, so that dashboards
   * show both together. @defaultValue `"default"`
   */
  name?: string | undefined;
  /**
   * Your own attributes and their values, such as `{ shard: "eu-1" }`. Use those of the client's dialer. @defaultValue none
   */
  attributes?: Readonly<Record<string, string>> | undefined;
}

/**
 * Records NATS clients through OpenTelemetry's Metrics API, with the same instruments as `natsMetrics`. For
 * `connect({ trace })` of `dialtrace/nats`. Without `meterProvider`, a provider must be registered before a
 * client is created; otherwise that client is not measured.
 *
 * @throws TypeError at construction if an option is invalid.
 */
export function natsOtelMetrics(options: NatsOtelMetricsOptions = {}): ClientObserver {
  checkOptions("natsOtelMetrics", options, { meterProvider: true, name: true, attributes: true });
  const { meterProvider, name = "default" } = options;
  checkMeterProvider("natsOtelMetrics", meterProvider);
  checkName("natsOtelMetrics", name);
  const own = readFixedAttributes("natsOtelMetrics", options.attributes);

  const find = whenRegistered(meterProvider, (provider) =>
    clientMetrics(otelSink(provider, { [ownerLabel]: name, ...own })),
  );
  const observe: ClientObserver = (client) => find()?.(client);
  return markObserver(observe, "clients", { factory: "natsOtelMetrics", name, into: meterProvider });
}

markFactories({ natsOtelMetrics });
