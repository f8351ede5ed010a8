import type { Registry } from "prom-client";
import type { ClientState, ClientTrace } from "../core/client-trace.ts";
import { checkOptions } from "../core/validate.ts";
import { clientStates, disconnectReasons } from "./instruments.ts";
import { checkName, checkRegistry } from "./prometheus.ts";
import { type Add, type Level, seriesOf } from "./prometheus-instruments.ts";

export interface NatsMetricsOptions {
  /** Registry of prom-client that the metrics go to. */
  registry: Registry;
  /** Value of the label `dialer_name`; of the dialer that the client uses, for their panels to join. @defaultValue `"default"` */
  name?: string | undefined;
}

/**
 * Counts the life of NATS clients into prom-client's registry: state, disconnects by reason,
 * reconnects, outages. For `connect({ trace })` of `dialtrace/nats`.
 *
 * Clients that share a name are counted together; a new one takes the place of a closed one.
 *
 * @throws TypeError at construction, naming the option.
 */
export function natsMetrics(options: NatsMetricsOptions): ClientTrace {
  checkOptions("natsMetrics", options, ["registry", "name"]);
  const { registry, name = "default" } = options;
  checkRegistry("natsMetrics", registry);
  checkName("natsMetrics", name);

  const series = seriesOf(registry, name);
  const states = Object.fromEntries(clientStates.map((state) => [state, series("clientStatus", { state })])) as Record<
    ClientState,
    Level
  >;
  const disconnects = Object.fromEntries(
    disconnectReasons.map((reason) => [reason, series("clientDisconnects", { reason })]),
  ) as Record<string, Add>;
  const attempts = series("clientReconnectAttempts", {});
  const reconnects = series("clientReconnects", {});
  const outages = series("clientOutageDuration", {});

  return {
    stateChange({ state, previous }) {
      if (previous !== undefined) states[previous](-1);
      else if (states.closed(0) > 0) states.closed(-1);
      states[state](1);
    },
    disconnect: ({ reason }) => disconnects[reason]?.(1),
    reconnectAttempt: () => attempts(1),
    reconnect({ outageMs }) {
      reconnects(1);
      outages(outageMs / 1000);
    },
  };
}
