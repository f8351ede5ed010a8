import type { PoolObserver } from "../pool/pool-trace.ts";
import { markObserver } from "../support/observed-places.ts";
import { markFactories } from "../support/roles.ts";
import { checkOptions } from "../support/validate.ts";
import { checkName } from "./check-name.ts";
import { ownerLabel } from "./instrument.ts";
import { readFixedAttributes } from "./own-attributes.ts";
import { poolInstruments } from "./pool-instruments.ts";
import { poolObserver } from "./pool-metrics.ts";
import { checkRegistry } from "./prometheus.ts";
import { prometheusSink } from "./prometheus-instruments.ts";
import { type AnyRegistry, checkFree } from "./registry-metrics.ts";

/** Options of {@link poolMetrics}. */
export interface PoolMetricsOptions {
  /** prom-client registry for the metrics. */
  registry: AnyRegistry;
  /**
   * Value of the label `dialer_name`, 1 to 128 characters. Use the name of the pool's dialer, so that dashboards show both
   * together. @defaultValue `"default"`
   */
  name?: string | undefined;
  /**
   * Your own attributes and their values, such as `{ shard: "eu-1" }`. Use those of the pool's dialer. @defaultValue none
   */
  attributes?: Readonly<Record<string, string>> | undefined;
}

/**
 * Records pools in a prom-client registry: acquires by outcome, wait and use durations, evictions, and pending
 * requests. For `pool({ trace })`. Pools with the same name share their series.
 *
 * @throws TypeError at construction if an option is invalid.
 * @example
 * const connections = pool({ dialer, maxOpen: 10, trace: poolMetrics({ registry, name: "orders" }) });
 */
export function poolMetrics(options: PoolMetricsOptions): PoolObserver {
  checkOptions("poolMetrics", options, { registry: true, name: true, attributes: true });
  const { registry, name = "default" } = options;
  checkRegistry("poolMetrics", registry);
  checkName("poolMetrics", name);
  const own = readFixedAttributes("poolMetrics", options.attributes);
  checkFree("poolMetrics", registry, Object.values(poolInstruments));
  return markObserver(poolObserver(prometheusSink(registry, { [ownerLabel]: name, ...own })), "pools", {
    factory: "poolMetrics",
    name,
    into: registry,
  });
}

markFactories({ poolMetrics });
