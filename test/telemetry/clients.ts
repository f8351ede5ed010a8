import { ClientEvents } from "../../src/client/client-events.ts";
import type { ClientState, ClientStats, ClientTraceLike, ObservedClient } from "../../src/client/client-trace.ts";

/** A client controlled by the test. */
export interface PlayedClient extends ObservedClient {
  /** Its statistics, which the test changes. */
  readonly counts: { -readonly [K in keyof ClientStats]: ClientStats[K] };
  /** Called by `refresh`. */
  onRefresh: () => void;
}

/** Creates a client without a network, and a function that emits its events. */
export function playedClient(trace: ClientTraceLike, { name, state = "connecting" }: PlayedOptions = {}) {
  const client: PlayedClient = {
    name,
    counts: {
      inMsgs: 0,
      outMsgs: 0,
      inBytes: 0,
      outBytes: 0,
      configuredServers: 0,
      discoveredServers: 0,
      bufferedBytes: 0,
      dropped: 0,
      unconfirmed: 0,
      credentials: [],
    },
    onRefresh() {},
    stats() {
      return { ...this.counts };
    },
    refresh() {
      this.onRefresh();
    },
  };
  const events = new ClientEvents(client, state);
  return { client, counts: client.counts, events, stop: events.observe(trace) };
}

interface PlayedOptions {
  readonly name?: string;
  readonly state?: ClientState;
}
