import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { ClientDials } from "./client-dials.ts";
import type { ClientSocketOptions } from "./options.ts";

/**
 * Returns the option `stream` of mariadb's connections and pools: they are made by `dialer`. TLS inside the protocol works
 * as usual, with the option `ssl`. `connectTimeout` and `connection.destroy()` cancel the dial.
 *
 * @param target - what to dial: the client does not name its host and port.
 * @throws TypeError or RangeError naming the option.
 * @example
 * const pool = mariadb.createPool({ stream: mariadbStream(dial, "db.internal:3306") });
 */
export function mariadbStream<C extends Duplex = Socket>(
  dialer: Dialer<C>,
  target: TargetLike,
  options?: ClientSocketOptions<C>,
): () => Socket {
  const dials = new ClientDials("mariadbStream", dialer, target, options);
  dials.targetOf(undefined);
  // Returned instead of passed to the callback: otherwise the client would miss `connect`, and could not cancel the dial.
  const stream = () => dials.open(undefined);
  dials.owner = stream;
  return stream;
}

markFactories({ mariadbStream });
