import type { Middleware } from "../core/dialer.ts";
import type { DialAttributes } from "../engine/dial-attributes.ts";
import { asObserver } from "../engine/layer-info.ts";
import { attach } from "../engine/observe.ts";
import { renamable } from "../engine/renamed.ts";
import { markFactories } from "../support/roles.ts";
import { checkFunction, checkOptions, invalid, show } from "../support/validate.ts";
import { checkEndpoints, checkName } from "./check-name.ts";
import { dialerInstruments } from "./dialer-instruments.ts";
import { goConntrackCounters, goConntrackHooks } from "./go-conntrack.ts";
import { ownerLabel } from "./instrument.ts";
import type { Exemplar } from "./kept-histogram.ts";
import { measured } from "./measured-dialer.ts";
import { readAttributes } from "./own-attributes.ts";
import { isOpenMetrics, prometheusSink } from "./prometheus-instruments.ts";
import { type AnyRegistry, checkFree } from "./registry-metrics.ts";

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
  /**
   * Your own attributes, such as `{ shard: "eu-1", tenant: ["a", "b"] }`: a string is the value for all dials, an array the
   * set of values that a dial may give as `dial(target, { attributes: { tenant: "a" } })`. Any other value is reported
   * as `_OTHER`. Each combination of values, at most 100, has its own series. The dots of a name become underscores.
   * @defaultValue none
   */
  attributes?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Also publishes go-conntrack's four counters, `net_conntrack_dialer_conn_*`, for its dashboards. @defaultValue false */
  goConntrack?: boolean | undefined;
}

/**
 * Measures all layers beneath it with prom-client: dials, attempts, phases, retries, timeouts, open and closed
 * connections, and their bytes. The series that the layers beneath can change start at zero, except
 * for those of failures in histograms. Dialers with different names can share a registry.
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
    attributes: true,
    goConntrack: true,
  });
  const { registry, name = "default", endpoints = [], exemplars, goConntrack = false } = options;
  checkRegistry("withPrometheus", registry);
  checkName("withPrometheus", name);
  checkEndpoints("withPrometheus", endpoints);
  const own = readAttributes("withPrometheus", options.attributes);
  checkFree("withPrometheus", registry, Object.values(dialerInstruments));
  if (exemplars !== undefined) {
    checkFunction("withPrometheus: exemplars", exemplars);
    if (!isOpenMetrics(registry)) {
      throw invalid(
        TypeError,
        "withPrometheus: exemplars require a registry with the OpenMetrics content type; call setContentType(openMetricsContentType)",
      );
    }
  }
  if (typeof goConntrack !== "boolean") {
    throw invalid(TypeError, `withPrometheus: goConntrack must be a boolean, got ${show(goConntrack)}`);
  }
  if (goConntrack) checkFree("withPrometheus", registry, goConntrackCounters);
  const place = { factory: "withPrometheus", name, into: registry };
  const sinkOf = (attributes: DialAttributes) =>
    prometheusSink(registry, { [ownerLabel]: name, ...attributes }, exemplars);
  const metrics = measured({ own, endpoints, place, library: "a registry", sinkOf });
  const rename = (other: string) => withPrometheus({ ...options, name: other });
  if (!goConntrack) return renamable(metrics, rename);
  const conntrack = attach(goConntrackHooks(registry, name));
  return renamable(
    asObserver((next) => metrics(conntrack(next))),
    rename,
  );
}

markFactories({ withPrometheus });

/** Throws a `TypeError` unless `registry` is a prom-client registry. */
export function checkRegistry(factory: string, registry: unknown): void {
  if (typeof (registry as AnyRegistry | undefined)?.getSingleMetric !== "function") {
    throw invalid(TypeError, `${factory}: registry must be a Registry of prom-client, got ${show(registry)}`);
  }
}
