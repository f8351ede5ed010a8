import type { Duplex } from "node:stream";
import type { MeterProvider } from "@opentelemetry/api";
import type { Middleware } from "../core/dialer.ts";
import { layer, type Run } from "../engine/context.ts";
import { attach, observing } from "../engine/observe.ts";
import { markFactories } from "../support/roles.ts";
import { guarded } from "../support/user-call.ts";
import { checkOptions, invalid, show } from "../support/validate.ts";
import { checkEndpoints, checkName } from "./check-name.ts";
import { dialerMetrics } from "./dialer-metrics.ts";
import { otelSink } from "./otel-instruments.ts";
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
  checkOptions("withOtelMetrics", options, { meterProvider: true, name: true, endpoints: true });
  const { meterProvider, name = "default", endpoints = [] } = options;
  checkMeterProvider("withOtelMetrics", meterProvider);
  checkName("withOtelMetrics", name);
  checkEndpoints("withOtelMetrics", endpoints);
  const find = whenRegistered(meterProvider, (provider) => dialerMetrics(otelSink(provider, name), endpoints));
  const place = { factory: "withOtelMetrics", name, into: meterProvider };
  if (meterProvider !== undefined) return attach(find() ?? {}, { place });
  return layer(
    <C extends Duplex>(next: Run<C>): Run<C> => {
      let metered: Run<C> | undefined;
      return function meteredDialer(target, context) {
        if (metered === undefined) {
          const found = guarded("a meter provider", find);
          if (found !== undefined) metered = observing(found)(next);
        }
        return (metered ?? next)(target, context);
      };
    },
    { observes: true, place },
  );
}

markFactories({ withOtelMetrics });

/** Throws a `TypeError` unless `meterProvider` is a meter provider or undefined. */
export function checkMeterProvider(factory: string, meterProvider: unknown): void {
  if (meterProvider !== undefined && typeof (meterProvider as MeterProvider | null)?.getMeter !== "function") {
    throw invalid(TypeError, `${factory}: meterProvider must have getMeter, got ${show(meterProvider)}`);
  }
}
