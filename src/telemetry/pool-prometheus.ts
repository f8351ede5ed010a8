import type { PoolObserver } from "../pool/pool-trace.ts";
import { markObserver } from "../support/observed-places.ts";
import { markFactories } from "../support/roles.ts";
import { checkOptions } from "../support/validate.ts";
import { checkName } from "./check-name.ts";
import { poolObserver } from "./pool-metrics.ts";
import { checkRegistry } from "./prometheus.ts";
import { type AnyRegistry, prometheusSink } from "./prometheus-instruments.ts";

export interface PoolMetricsOptions {
  /** Registry of prom-client that the metrics go to. */
  registry: AnyRegistry;
  /** Value of the label `dialer_name`; of the dialer that the pool uses, for their panels to join. @defaultValue `"default"` */
  name?: string | undefined;
}

/**
 * Counts what pools do into prom-client's registry: acquires by outcome, waits, uses, evictions, who waits
 * now. For `pool({ trace })`. Pools that share a name are counted together.
 *
 * @throws TypeError at construction, naming the option.
 * @example
 * const connections = pool({ dialer, maxOpen: 10, trace: poolMetrics({ registry, name: "orders" }) });
 */
export function poolMetrics(options: PoolMetricsOptions): PoolObserver {
  checkOptions("poolMetrics", options, { registry: true, name: true });
  const { registry, name = "default" } = options;
  checkRegistry("poolMetrics", registry);
  checkName("poolMetrics", name);
  return markObserver(poolObserver(prometheusSink(registry, name)), "pools", {
    factory: "poolMetrics",
    name,
    into: registry,
  });
}

markFactories({ poolMetrics });
