import type { AnyConnection } from "./any-connection.ts";

interface PooledServer {
  /** Whether a server has told of it. */
  readonly gossiped?: boolean;
}

/** What nats-core holds for one connection. */
export interface TransportInternals {
  /** A stream of Node's, or a WebSocket. */
  readonly socket?: unknown;
  /** What the connection was ended with. */
  readonly closeError?: unknown;
}

/**
 * What nats-core keeps inside, or tells only in its newer versions. To be looked at, never touched;
 * any of it may be missing, and what is learnt from it with it.
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

export function clientName(nc: AnyConnection): string | undefined {
  return inside(nc).options?.name;
}

/** Whether a lost connection will be replaced. */
export function reconnects(nc: AnyConnection): boolean {
  return inside(nc).options?.reconnect !== false;
}

export function isConnected(nc: AnyConnection): boolean {
  return inside(nc).protocol?.connected !== false;
}

/** What a server has reported last, or the connection was ended with. */
export function lastErrorOf(nc: AnyConnection): unknown {
  return inside(nc).protocol?.lastError ?? transportOf(nc)?.closeError;
}

export function transportOf(nc: AnyConnection): TransportInternals | undefined {
  return inside(nc).protocol?.transport;
}

/** Bytes that wait for a connection. */
export function bufferedBytes(nc: AnyConnection): number {
  return isConnected(nc) ? 0 : (inside(nc).protocol?.outbound?.size?.() ?? 0);
}

/** The pool of servers, by who told of them. */
export function serverCounts(nc: AnyConnection): { configured: number; discovered: number } {
  // The first is public from 3.4 on.
  const servers = inside(nc).getServers?.() ?? inside(nc).protocol?.servers?.getServers?.() ?? [];
  const discovered = servers.filter((server) => server.gossiped === true).length;
  return { configured: servers.length - discovered, discovered };
}
