import type { ClientObserver } from "../client/client-trace.ts";
import { markObserver } from "../support/observed-places.ts";
import { markFactories } from "../support/roles.ts";
import { checkOptions } from "../support/validate.ts";
import { checkName } from "./check-name.ts";
import { clientInstruments } from "./client-instruments.ts";
import { clientMetrics } from "./client-metrics.ts";
import { ownerLabel } from "./instrument.ts";
import { readFixedAttributes } from "./own-attributes.ts";
import { checkRegistry } from "./prometheus.ts";
import { prometheusSink } from "./prometheus-instruments.ts";
import { type AnyRegistry, checkFree } from "./registry-metrics.ts";

/** Options of {@link natsMetrics}. */
export interface NatsMetricsOptions {
  /** prom-client registry for the metrics. */
  registry: AnyRegistry;
  /**
   * Value of the label `dialer_name`, 1 to 128 characters. Use the name of the client's dialer, so that dashboards show
   * both together. @defaultValue `"default"`
   */
  name?: string | undefined;
  /**
   * Your own attributes and their values, such as `{ shard: "eu-1" }`. Use those of the client's dialer. @defaultValue none
   */
  attributes?: Readonly<Record<string, string>> | undefined;
}

/**
 * Records NATS clients in a prom-client registry: state, disconnects by reason, reconnects, outages,
 * servers, errors and messages. For `connect({ trace })` of `dialtrace/nats`.
 *
 * Clients with the same name share their series; a new client replaces a closed one. The clients' own counters are
 * read at each scrape and when a client ends.
 *
 * @throws TypeError at construction if an option is invalid.
 */
export function natsMetrics(options: NatsMetricsOptions): ClientObserver {
  checkOptions("natsMetrics", options, { registry: true, name: true, attributes: true });
  const { registry, name = "default" } = options;
  checkRegistry("natsMetrics", registry);
  checkName("natsMetrics", name);
  const own = readFixedAttributes("natsMetrics", options.attributes);
  checkFree("natsMetrics", registry, Object.values(clientInstruments));
  return markObserver(clientMetrics(prometheusSink(registry, { [ownerLabel]: name, ...own })), "clients", {
    factory: "natsMetrics",
    name,
    into: registry,
  });
}

markFactories({ natsMetrics });
