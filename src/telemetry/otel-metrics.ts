import type { MeterProvider } from "@opentelemetry/api";
import type { Middleware } from "../core/dialer.ts";
import type { DialAttributes } from "../engine/dial-attributes.ts";
import { renamable } from "../engine/renamed.ts";
import { markFactories } from "../support/roles.ts";
import { checkOptions, invalid, show } from "../support/validate.ts";
import { checkEndpoints, checkName } from "./check-name.ts";
import { ownerLabel } from "./instrument.ts";
import { measured } from "./measured-dialer.ts";
import { otelSink } from "./otel-instruments.ts";
import { readAttributes } from "./own-attributes.ts";
import { whenRegistered } from "./when-registered.ts";

/** Options of {@link withOtelMetrics}. */
export interface OtelMetricsOptions {
  /** Provider of the meter. @defaultValue the provider registered with `@opentelemetry/api` */
  meterProvider?: MeterProvider | undefined;
  /** Value of the attribute `dialer.name`, 1 to 128 characters. @defaultValue `"default"` */
  name?: string | undefined;
  /**
   * Targets (`host:port`, at most 32) whose breakers have separate series, with the attribute `dialer.endpoint`. The breakers of
   * all other targets share the value `_OTHER`. @defaultValue none: all breakers share their series, without the attribute
   */
  endpoints?: readonly string[] | undefined;
  /**
   * Your own attributes, such as `{ shard: "eu-1", tenant: ["a", "b"] }`: a string is the value for all dials, an array the
   * set of values that a dial may give as `dial(target, { attributes: { tenant: "a" } })`. Any other value is reported
   * as `_OTHER`. Each combination of values, at most 100, has its own series. @defaultValue none
   */
  attributes?: Readonly<Record<string, string | readonly string[]>> | undefined;
}

/**
 * Measures all layers beneath it through OpenTelemetry's Metrics API, with the same instruments as
 * `withPrometheus`. Counters start at zero; the API has no way to start histograms at zero. Counts and bytes are
 * passed on at each collection. Without `meterProvider`, dials are measured from the time that a provider is registered.
 *
 * @throws TypeError at construction if an option is invalid.
 * @example
 * const dial = compose(withOtelMetrics({ name: "orders" }), withRetry(), tcp());
 */
export function withOtelMetrics(options: OtelMetricsOptions = {}): Middleware {
  checkOptions("withOtelMetrics", options, { meterProvider: true, name: true, endpoints: true, attributes: true });
  const { meterProvider, name = "default", endpoints = [] } = options;
  checkMeterProvider("withOtelMetrics", meterProvider);
  checkName("withOtelMetrics", name);
  checkEndpoints("withOtelMetrics", endpoints);
  const own = readAttributes("withOtelMetrics", options.attributes);
  const find = whenRegistered(meterProvider, (provider) => provider);
  const sinkOf = (attributes: DialAttributes) => {
    const provider = find();
    return provider && otelSink(provider, { [ownerLabel]: name, ...attributes });
  };
  // A given provider that cannot be used is refused at once.
  if (meterProvider !== undefined) sinkOf(own.fixed);
  const place = { factory: "withOtelMetrics", name, into: meterProvider };
  const metrics = measured({ own, endpoints, place, library: "a meter provider", sinkOf });
  return renamable(metrics, (other) => withOtelMetrics({ ...options, name: other }));
}

markFactories({ withOtelMetrics });

/** Throws a `TypeError` unless `meterProvider` is a meter provider or undefined. */
export function checkMeterProvider(factory: string, meterProvider: unknown): void {
  if (meterProvider !== undefined && typeof (meterProvider as MeterProvider | null)?.getMeter !== "function") {
    throw invalid(TypeError, `${factory}: meterProvider must have getMeter, got ${show(meterProvider)}`);
  }
}
