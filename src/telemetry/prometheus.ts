import type { Middleware } from "../core/dialer.ts";
import { asObserver } from "../engine/layer-info.ts";
import { attach } from "../engine/observe.ts";
import { markFactories } from "../support/roles.ts";
import { checkFunction, checkOptions, invalid, show } from "../support/validate.ts";
import { checkEndpoints, checkName } from "./check-name.ts";
import { dialerMetrics } from "./dialer-metrics.ts";
import { goConntrackHooks } from "./go-conntrack.ts";
import type { Exemplar } from "./kept-histogram.ts";
import { type AnyRegistry, isOpenMetrics, prometheusSink } from "./prometheus-instruments.ts";

/** Options of {@link withPrometheus}. */
export interface PrometheusOptions {
  /** prom-client registry for the metrics. */
  registry: AnyRegistry;
  /** Value of the label `dialer_name`, 1 to 128 characters. @defaultValue `"default"` */
  name?: string | undefined;
  /**
   * Targets (`host:port`, at most 32) whose breakers have separate series, with the label `dialer_endpoint`. The breakers of all
   * other targets share the value `_OTHER`. @defaultValue none: all breakers share their series, without the label
   */
  endpoints?: readonly string[] | undefined;
  /**
   * Returns the exemplar for the durations of dials and phases: `spanExemplar` of `dialtrace/otel`, or your own
   * function. The registry must have the OpenMetrics content type. @defaultValue no exemplars
   */
  exemplars?: Exemplar | undefined;
  /** Also publishes go-conntrack's four counters, `net_conntrack_dialer_conn_*`, for its dashboards. @defaultValue false */
  goConntrack?: boolean | undefined;
}

/**
 * Measures all layers beneath it with prom-client: dials, attempts, phases, retries, timeouts, open and closed
 * connections, and their bytes. Series start at zero, except for those of failures in histograms. Dialers with
 * different names can share a registry.
 *
 * @throws TypeError at construction if an option is invalid.
 * @example
 * const dial = compose(withPrometheus({ registry, name: "orders" }), withRetry(), tcp());
 */
export function withPrometheus(options: PrometheusOptions): Middleware {
  checkOptions("withPrometheus", options, {
    registry: true,
    name: true,
    endpoints: true,
    exemplars: true,
    goConntrack: true,
  });
  const { registry, name = "default", endpoints = [], exemplars, goConntrack = false } = options;
  checkRegistry("withPrometheus", registry);
  checkName("withPrometheus", name);
  checkEndpoints("withPrometheus", endpoints);
  if (exemplars !== undefined) {
    checkFunction("withPrometheus: exemplars", exemplars);
    if (!isOpenMetrics(registry)) {
      throw invalid(
        TypeError,
        "withPrometheus: exemplars need a registry with the OpenMetrics content type; call setContentType(openMetricsContentType)",
      );
    }
  }
  if (typeof goConntrack !== "boolean") {
    throw invalid(TypeError, `withPrometheus: goConntrack must be a boolean, got ${show(goConntrack)}`);
  }
  const place = { factory: "withPrometheus", name, into: registry };
  const metrics = attach(dialerMetrics(prometheusSink(registry, name, exemplars), endpoints), { place });
  if (!goConntrack) return metrics;
  const conntrack = attach(goConntrackHooks(registry, name));
  return asObserver((next) => metrics(conntrack(next)));
}

markFactories({ withPrometheus });

/** Throws a `TypeError` unless `registry` is a prom-client registry. */
export function checkRegistry(factory: string, registry: unknown): void {
  if (typeof (registry as AnyRegistry | undefined)?.getSingleMetric !== "function") {
    throw invalid(TypeError, `${factory}: registry must be a Registry of prom-client, got ${show(registry)}`);
  }
}
