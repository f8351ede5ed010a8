import type { Duplex } from "node:stream";
import { DialError } from "../core/errors.ts";
import type { Target } from "../core/target.ts";

/** Key of the last pool that added the connection, stored on the connection itself like the tracker's key. */
const takenKey: unique symbol = Symbol("dialtrace.taken");

/**
 * Records that `pool` adds `conn`. Returns an error if `pool` has added it before: two callers must not share a
 * connection with which the dialer resolved twice.
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
