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

export interface OtelMetricsOptions {
  /** Where measurements go. @defaultValue the provider registered with `@opentelemetry/api` */
  meterProvider?: MeterProvider | undefined;
  /** Value of the attribute `dialer.name`. @defaultValue `"default"` */
  name?: string | undefined;
  /**
   * Targets, as `host:port`, whose breakers are told apart by the label `endpoint`; others are `_OTHER`. 32
   * at most. @defaultValue none: the breakers of all are counted together
   */
  endpoints?: readonly string[] | undefined;
}

/**
 * Counts and times everything beneath it through OpenTelemetry's Metrics API: the same instruments as
 * `withPrometheus` has. Counters start at zero; the API knows no way for histograms to. Counts and bytes
 * are told when they are collected. Where no provider is given, dials count from when one is registered.
 *
 * @throws TypeError at construction, naming the option.
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

/** Throws a `TypeError` that names the option unless it is a meter provider, or left out. */
export function checkMeterProvider(factory: string, meterProvider: unknown): void {
  if (meterProvider !== undefined && typeof (meterProvider as MeterProvider | null)?.getMeter !== "function") {
    throw invalid(TypeError, `${factory}: meterProvider must have getMeter, got ${show(meterProvider)}`);
  }
}
