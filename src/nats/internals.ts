import type { ClientStats } from "../client/client-trace.ts";
import type { AnyConnection } from "./any-connection.ts";

interface PooledServer {
  /** Whether another server has announced it. */
  readonly gossiped?: boolean;
}

/** nats-core's internal state of one transport. */
export interface TransportInternals {
  /** A Node stream or a WebSocket. */
  readonly socket?: unknown;
  /** Error that has ended the connection. */
  readonly closeError?: unknown;
}

/**
 * Internal state of nats-core, and members that only newer versions expose. It is read and never changed. Any of it may be
 * missing; the result then is undefined or a default.
 */
interface Internals {
  readonly options?: { readonly name?: string; readonly reconnect?: boolean };
  readonly protocol?: {
    readonly connected?: boolean;
    readonly lastError?: unknown;
    readonly transport?: TransportInternals;
    readonly outbound?: { size?(): number };
    readonly servers?: { getServers?(): readonly PooledServer[] };
  };
  getServers?(): readonly PooledServer[];
}

const inside = (nc: AnyConnection) => nc as unknown as Internals;

/** Name of the client, from its options. */
export function clientName(nc: AnyConnection): string | undefined {
  return inside(nc).options?.name;
}

/** Whether a lost connection will be replaced. */
export function reconnects(nc: AnyConnection): boolean {
  return inside(nc).options?.reconnect !== false;
}

/** Whether there is a connection to a server; `true` if the client does not expose it. */
export function isConnected(nc: AnyConnection): boolean {
  return inside(nc).protocol?.connected !== false;
}

/** Last error that a server has reported or that has ended the connection. */
export function lastErrorOf(nc: AnyConnection): unknown {
  return inside(nc).protocol?.lastError ?? transportOf(nc)?.closeError;
}

/** The client's current transport. */
export function transportOf(nc: AnyConnection): TransportInternals | undefined {
  return inside(nc).protocol?.transport;
}

/** Bytes of messages that are buffered for the next connection. */
export function bufferedBytes(nc: AnyConnection): number {
  return isConnected(nc) ? 0 : (inside(nc).protocol?.outbound?.size?.() ?? 0);
}

/** Returns the sizes of the pool of servers. */
export function serverCounts(nc: AnyConnection): Pick<ClientStats, "configuredServers" | "discoveredServers"> {
  // The first is public from 3.4 on.
  const servers = inside(nc).getServers?.() ?? inside(nc).protocol?.servers?.getServers?.() ?? [];
  const discoveredServers = servers.filter((server) => server.gossiped === true).length;
  return { configuredServers: servers.length - discoveredServers, discoveredServers };
}
