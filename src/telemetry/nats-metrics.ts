import type { ClientObserver } from "../client/client-trace.ts";
import { markObserver } from "../support/observed-places.ts";
import { markFactories } from "../support/roles.ts";
import { checkOptions } from "../support/validate.ts";
import { checkName } from "./check-name.ts";
import { clientMetrics } from "./client-metrics.ts";
import { checkRegistry } from "./prometheus.ts";
import { type AnyRegistry, prometheusSink } from "./prometheus-instruments.ts";

export interface NatsMetricsOptions {
  /** Registry of prom-client that the metrics go to. */
  registry: AnyRegistry;
  /** Value of the label `dialer_name`; of the dialer that the client uses, for their panels to join. @defaultValue `"default"` */
  name?: string | undefined;
}

/**
 * Counts the life of NATS clients into prom-client's registry: state, disconnects by reason,
 * reconnects, outages, servers, errors, messages. For `connect({ trace })` of `dialtrace/nats`.
 *
 * Clients that share a name are counted together; a new one takes the place of a closed one. What
 * clients count themselves is read when scraped, and once more at their end.
 *
 * @throws TypeError at construction, naming the option.
 */
export function natsMetrics(options: NatsMetricsOptions): ClientObserver {
  checkOptions("natsMetrics", options, { registry: true, name: true });
  const { registry, name = "default" } = options;
  checkRegistry("natsMetrics", registry);
  checkName("natsMetrics", name);
  return markObserver(clientMetrics(prometheusSink(registry, name)), "clients", {
    factory: "natsMetrics",
    name,
    into: registry,
  });
}

markFactories({ natsMetrics });
