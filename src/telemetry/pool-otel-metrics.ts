import type { MeterProvider } from "@opentelemetry/api";
import type { PoolObserver } from "../pool/pool-trace.ts";
import { markObserver } from "../support/observed-places.ts";
import { markFactories } from "../support/roles.ts";
import { checkOptions } from "../support/validate.ts";
import { checkName } from "./check-name.ts";
import { ownerLabel } from "./instrument.ts";
import { otelSink } from "./otel-instruments.ts";
import { checkMeterProvider } from "./otel-metrics.ts";
import { readFixedAttributes } from "./own-attributes.ts";
import { poolObserver } from "./pool-metrics.ts";
import { whenRegistered } from "./when-registered.ts";

/** Options of {@link poolOtelMetrics}. */
export interface PoolOtelMetricsOptions {
  /** Provider of the meter. @defaultValue the provider registered with `@opentelemetry/api` */
  meterProvider?: MeterProvider | undefined;
  /**
   * Value of the attribute `dialer.name`, 1 to 128 characters. Use the name of the pool's dialer, so that dashboards show
   * both together. @defaultValue `"default"`
   */
  name?: string | undefined;
  /**
   * Your own attributes and their values, such as `{ shard: "eu-1" }`. Use those of the pool's dialer. @defaultValue none
   */
  attributes?: Readonly<Record<string, string>> | undefined;
}

/**
 * Records pools through OpenTelemetry's Metrics API, with the same instruments as `poolMetrics`. For
 * `pool({ trace })`. Without `meterProvider`, a provider must be registered before a pool is created; otherwise
 * that pool is not measured.
 *
 * @throws TypeError at construction if an option is invalid.
 */
export function poolOtelMetrics(options: PoolOtelMetricsOptions = {}): PoolObserver {
  checkOptions("poolOtelMetrics", options, { meterProvider: true, name: true, attributes: true });
  const { meterProvider, name = "default" } = options;
  checkMeterProvider("poolOtelMetrics", meterProvider);
  checkName("poolOtelMetrics", name);
  const own = readFixedAttributes("poolOtelMetrics", options.attributes);
  const find = whenRegistered(meterProvider, (provider) =>
    poolObserver(otelSink(provider, { [ownerLabel]: name, ...own })),
  );
  const observe: PoolObserver = (pool) => find()?.(pool);
  return markObserver(observe, "pools", { factory: "poolOtelMetrics", name, into: meterProvider });
}

markFactories({ poolOtelMetrics });
