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

export interface PrometheusOptions {
  /** Registry of prom-client that the metrics go to. */
  registry: AnyRegistry;
  /** Value of the label `dialer_name`. @defaultValue `"default"` */
  name?: string | undefined;
  /**
   * Targets, as `host:port`, whose breakers are told apart by the label `endpoint`; others are `_OTHER`. 32
   * at most. @defaultValue none: the breakers of all are counted together
   */
  endpoints?: readonly string[] | undefined;
  /**
   * Gives the exemplar of what is being timed: `spanExemplar` of `dialtrace/otel`, or a function of your
   * own. The durations of dials and phases have them then. The registry must be of the OpenMetrics type.
   * @defaultValue none
   */
  exemplars?: Exemplar | undefined;
  /** Also publishes go-conntrack's four counters, `net_conntrack_dialer_conn_*`, for its dashboards. @defaultValue false */
  goConntrack?: boolean | undefined;
}

/**
 * Counts and times everything beneath it into prom-client's registry: dials, attempts, phases,
 * retries, timeouts, and the connections that are open, closed and how much they carried. All series
 * start at zero. Several dialers may share a registry, told apart by name.
 *
 * @throws TypeError at construction, naming the option.
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
        "withPrometheus: exemplars need a registry of the OpenMetrics type: setContentType(openMetricsContentType)",
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

/** Throws a `TypeError` that names the option unless it is a registry of prom-client. */
export function checkRegistry(factory: string, registry: unknown): void {
  if (typeof (registry as AnyRegistry | undefined)?.getSingleMetric !== "function") {
    throw invalid(TypeError, `${factory}: registry must be a Registry of prom-client, got ${show(registry)}`);
  }
}
