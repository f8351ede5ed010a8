import type { Duplex } from "node:stream";

/** On the connection itself, like the tracker's key: the pool that added it last. */
const takenKey: unique symbol = Symbol("dialtrace.taken");

/**
 * Notes that a pool adds `conn`. Returns whether it has done so before: a dialer that resolves twice with one connection
 * must not make two callers share it.
 */
export function isTaken(conn: Duplex, pool: object): boolean {
  const marked = conn as { [takenKey]?: object };
  if (marked[takenKey] === pool) return true;
  if (Object.isExtensible(marked)) marked[takenKey] = pool;
  return false;
}
