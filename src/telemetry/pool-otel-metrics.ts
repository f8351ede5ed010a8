import type { MeterProvider } from "@opentelemetry/api";
import type { PoolObserver } from "../pool/pool-trace.ts";
import { markObserver } from "../support/observed-places.ts";
import { markFactories } from "../support/roles.ts";
import { checkOptions } from "../support/validate.ts";
import { checkName } from "./check-name.ts";
import { otelSink } from "./otel-instruments.ts";
import { checkMeterProvider } from "./otel-metrics.ts";
import { poolObserver } from "./pool-metrics.ts";
import { whenRegistered } from "./when-registered.ts";

export interface PoolOtelMetricsOptions {
  /** Where measurements go. @defaultValue the provider registered with `@opentelemetry/api` */
  meterProvider?: MeterProvider | undefined;
  /** Value of the attribute `dialer.name`; of the dialer that the pool uses, for their panels to join. @defaultValue `"default"` */
  name?: string | undefined;
}

/**
 * Counts what pools do through OpenTelemetry's Metrics API: the same instruments as `poolMetrics` has.
 * For `pool({ trace })`. Where no provider is given, one must be registered by the time that a pool is
 * made, or that pool isn't counted.
 *
 * @throws TypeError at construction, naming the option.
 */
export function poolOtelMetrics(options: PoolOtelMetricsOptions = {}): PoolObserver {
  checkOptions("poolOtelMetrics", options, { meterProvider: true, name: true });
  const { meterProvider, name = "default" } = options;
  checkMeterProvider("poolOtelMetrics", meterProvider);
  checkName("poolOtelMetrics", name);
  const find = whenRegistered(meterProvider, (provider) => poolObserver(otelSink(provider, name)));
  const observe: PoolObserver = (pool) => find()?.(pool);
  return markObserver(observe, "pools", { factory: "poolOtelMetrics", name, into: meterProvider });
}

markFactories({ poolOtelMetrics });
