import type { ClientObserver, ClientState, ClientTrace } from "../client/client-trace.ts";
import { guarded } from "../support/user-call.ts";
import { clientErrorKinds, clientInstruments, clientStates, disconnectReasons } from "./client-instruments.ts";
import { statsReader } from "./client-stats.ts";
import { credentialMetrics } from "./credential-metrics.ts";
import type { Level, Sink } from "./sink.ts";

/** Returns an observer that records the events and counters of clients in `sink`. */
export function clientMetrics(sink: Sink): ClientObserver {
  const series = clientSeries(sink);
  const counters = countingHooks(series);
  const newCredentials = credentialMetrics(sink);
  const updates = new Set<() => void>();
  // Before every client instrument is read: refresh() may emit events that change any of them.
  sink.beforeScrape(clientKeys, () => {
    for (const update of updates) update();
  });

  return function measureClient(client) {
    const stats = statsReader(client, series.stats);
    const credentials = newCredentials();
    const state = new CountedState(series.states);
    const update = () => {
      guarded("a client's refresh()", () => client.refresh?.());
      // refresh() may have found the client closed, and ended this observer.
      if (updates.has(update)) credentials.show(stats.read()?.credentials ?? []);
    };
    updates.add(update);
    return {
      ...counters,
      stateChange: (info) => state.change(info.state),
      end() {
        updates.delete(update);
        stats.read();
        stats.reset();
        credentials.show([]);
        state.end();
      },
    };
  };
}

/** Counts one client in the series of its current state. */
class CountedState {
  readonly #states: Readonly<Record<ClientState, Level>>;
  #current: ClientState | undefined;

  constructor(states: Readonly<Record<ClientState, Level>>) {
    this.#states = states;
  }

  change(next: ClientState): void {
    const { closed } = this.#states;
    if (!Object.hasOwn(this.#states, next)) return;
    // A new client replaces a closed one.
    if (this.#current === undefined && closed(0) > 0) closed(-1);
    this.#enter(next);
  }

  /** Stops counting the client, unless it is closed: a closed client is counted until a new one replaces it. */
  end(): void {
    if (this.#current !== "closed") this.#enter(undefined);
  }

  #enter(next: ClientState | undefined): void {
    if (this.#current !== undefined) this.#states[this.#current](-1);
    if (next !== undefined) this.#states[next](1);
    this.#current = next;
  }
}

/** Hooks that are the same for every client. */
function countingHooks(series: ReturnType<typeof clientSeries>) {
  return {
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
  } satisfies ClientTrace;
}

const clientKeys = Object.keys(clientInstruments) as (keyof typeof clientInstruments)[];

function clientSeries(sink: Sink) {
  // The state first: clients are refreshed when the first of these series is scraped.
  return {
    states: recordOf(clientStates, (state) => sink.series("clientStatus", { "nats.client.state": state })),
    disconnects: recordOf(disconnectReasons, (reason) =>
      sink.series("clientDisconnects", { "nats.client.disconnect.reason": reason }),
    ),
    reconnects: sink.series("clientReconnectSucceeded", {}),
    attempts: sink.series("clientReconnectAttempts", {}),
    outages: sink.series("clientOutageDuration", {}),
    stats: {
      configuredServers: sink.series("clientServerCount", { "nats.client.server.source": "configured" }),
      discoveredServers: sink.series("clientServerCount", { "nats.client.server.source": "discovered" }),
      inMsgs: sink.series("clientMessages", { "network.io.direction": "receive" }),
      outMsgs: sink.series("clientMessages", { "network.io.direction": "transmit" }),
      inBytes: sink.series("clientIo", { "network.io.direction": "receive" }),
      outBytes: sink.series("clientIo", { "network.io.direction": "transmit" }),
      bufferedBytes: sink.series("clientBufferSize", {}),
      dropped: sink.series("clientPublishDropped", {}),
      unconfirmed: sink.series("clientPublishUnconfirmed", {}),
    },
    changes: recordOf(clientInstruments.clientServerChanges.labels["nats.client.server.change"], (change) =>
      sink.series("clientServerChanges", { "nats.client.server.change": change }),
    ),
    lameDuck: sink.series("clientLameDuck", {}),
    stale: sink.series("clientStaleConnections", {}),
    slowConsumers: sink.series("clientSlowConsumers", {}),
    forcedReconnects: sink.series("clientReconnectForced", {}),
    errors: recordOf(clientErrorKinds, (kind) => sink.series("clientErrors", { "nats.client.error.kind": kind })),
    rtt: sink.series("clientRtt", {}),
    rejected: sink.series("clientPublishRejected", {}),
  };
}

/** Finds the series of `value`, or of `otherwise` where an adapter in plain JavaScript reports an unknown value. */
function oneOf<K extends string, V>(series: Readonly<Record<K, V>>, value: string, otherwise: K): V {
  return series[Object.hasOwn(series, value) ? (value as K) : otherwise];
}

/** Makes one entry for each value of a label. */
function recordOf<K extends string, V>(values: readonly K[], make: (value: K) => V): Readonly<Record<K, V>> {
  return Object.fromEntries(values.map((value) => [value, make(value)])) as Record<K, V>;
}
