import type { Duplex } from "node:stream";
import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";

/** On the connection itself, like the tracker's key: the pool that added it last. */
const takenKey: unique symbol = Symbol("dialtrace.taken");

/**
 * Notes that `pool` adds `conn`. Returns an error when it has added `conn` before: a dialer that resolves twice with one
 * connection must not make two callers share it.
 */
export function repeatedConnection(conn: Duplex, pool: object, target: Target): DialError | undefined {
  const marked = conn as { [takenKey]?: object };
  if (marked[takenKey] === pool) {
    const message = "pool: the dialer resolved with a connection that this pool already has";
    return new DialError(message, { reason: "config", target });
  }
  if (Object.isExtensible(marked)) marked[takenKey] = pool;
  return undefined;
}
