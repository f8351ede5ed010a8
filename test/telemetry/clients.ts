import { ClientEvents } from "../../src/client/client-events.ts";
import type { ClientState, ClientStats, ClientTraceLike, ObservedClient } from "../../src/client/client-trace.ts";

/** A client that does what the test says. */
export interface PlayedClient extends ObservedClient {
  /** What it has counted; the test changes it. */
  readonly counts: { -readonly [K in keyof ClientStats]: ClientStats[K] };
  /** What `refresh` does. */
  onRefresh: () => void;
}

/** A client without a network, and what tells its observers of it. */
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
