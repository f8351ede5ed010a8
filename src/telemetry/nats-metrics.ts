import type { Registry } from "prom-client";
import type { ClientObserver, ClientState } from "../core/client-trace.ts";
import { guarded } from "../core/hooks.ts";
import { checkOptions } from "../core/validate.ts";
import { statsReader } from "./client-stats.ts";
import { clientErrorKinds, clientStates, disconnectReasons, type InstrumentKey, instruments } from "./instruments.ts";
import { checkName, checkRegistry } from "./prometheus.ts";
import { beforeScrape, byValue, seriesOf } from "./prometheus-instruments.ts";

export interface NatsMetricsOptions {
  /** Registry of prom-client that the metrics go to. */
  registry: Registry;
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
  checkOptions("natsMetrics", options, ["registry", "name"]);
  const { registry, name = "default" } = options;
  checkRegistry("natsMetrics", registry);
  checkName("natsMetrics", name);

  const series = clientSeries(registry, name);
  const { states } = series;
  const updates = new Set<() => void>();
  const updateAll = () => {
    for (const update of updates) update();
  };
  // Before each of them: a client may have more to tell than its own counts when it looks at its state.
  for (const key of clientInstruments) beforeScrape(registry, key, updateAll);

  return function measureClient(client) {
    const stats = statsReader(client, series.stats);
    const update = () => {
      guarded("a client's refresh()", () => client.refresh?.());
      // It may have found out that it is closed.
      if (updates.has(update)) stats.read();
    };
    updates.add(update);
    let state: ClientState | undefined;
    const enter = (next: ClientState | undefined) => {
      if (state !== undefined) states[state](-1);
      if (next !== undefined) states[next](1);
      state = next;
    };

    return {
      stateChange({ state: next }) {
        if (!Object.hasOwn(states, next)) return;
        if (state === undefined && states.closed(0) > 0) states.closed(-1);
        enter(next);
      },
      disconnect: ({ reason }) => oneOf(series.disconnects, reason, "error")(1),
      reconnectAttempt: () => series.attempts(1),
      reconnect({ outageMs }) {
        series.reconnects(1);
        series.outages(outageMs / 1000);
      },
      serversChange({ added, removed }) {
        series.changes.added(added.length);
        series.changes.removed(removed.length);
      },
      lameDuck: () => series.lameDuck(1),
      stale: () => series.stale(1),
      slowConsumer: () => series.slowConsumers(1),
      forcedReconnect: () => series.forcedReconnects(1),
      error: ({ kind }) => oneOf(series.errors, kind, "other")(1),
      rtt: ({ durationMs }) => series.rtt(durationMs / 1000),
      publishRejected: () => series.rejected(1),
      end() {
        updates.delete(update);
        stats.read();
        stats.takeBack();
        if (state !== "closed") enter(undefined);
      },
    };
  };
}

const clientInstruments = (Object.keys(instruments) as InstrumentKey[]).filter((key) =>
  instruments[key].name.startsWith("nats."),
);

function clientSeries(registry: Registry, name: string) {
  const series = seriesOf(registry, name);
  // The state first: a scrape updates clients at the first that it comes to.
  return {
    states: byValue(clientStates, (state) => series("clientStatus", { state })),
    disconnects: byValue(disconnectReasons, (reason) => series("clientDisconnects", { reason })),
    reconnects: series("clientReconnects", {}),
    attempts: series("clientReconnectAttempts", {}),
    outages: series("clientOutageDuration", {}),
    stats: {
      configuredServers: series("clientServerCount", { source: "configured" }),
      discoveredServers: series("clientServerCount", { source: "discovered" }),
      inMsgs: series("clientMessages", { direction: "receive" }),
      outMsgs: series("clientMessages", { direction: "transmit" }),
      inBytes: series("clientIo", { direction: "receive" }),
      outBytes: series("clientIo", { direction: "transmit" }),
      bufferedBytes: series("clientBufferSize", {}),
    },
    changes: byValue(instruments.clientServerChanges.labels.change, (change) =>
      series("clientServerChanges", { change }),
    ),
    lameDuck: series("clientLameDuck", {}),
    stale: series("clientStaleConnections", {}),
    slowConsumers: series("clientSlowConsumers", {}),
    forcedReconnects: series("clientForcedReconnects", {}),
    errors: byValue(clientErrorKinds, (kind) => series("clientErrors", { kind })),
    rtt: series("clientRtt", {}),
    rejected: series("clientPublishesRejected", {}),
  };
}

/** The sets of values are closed, whatever an adapter in plain JavaScript has made up. */
function oneOf<K extends string, V>(series: Readonly<Record<K, V>>, value: string, otherwise: K): V {
  return series[Object.hasOwn(series, value) ? (value as K) : otherwise];
}
