import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { ClientDials } from "./client-dials.ts";
import { givingUpBy } from "./give-up.ts";
import type { ClientSocketOptions } from "./options.ts";

/**
 * Returns the option `stream` of `pg.Client` and `pg.Pool`: their connections are made by `dialer`. TLS inside the
 * protocol works as usual, with the option `ssl`. `client.end()` and `connectionTimeoutMillis` cancel the dial.
 *
 * @param target - what to dial. @defaultValue the host and port of the client
 * @throws TypeError or RangeError naming the option.
 * @example
 * const pool = new pg.Pool({ host: "db.internal", stream: pgStream(dial) });
 * @see {@link pgClient}, whose dials last until the server accepts queries.
 */
export function pgStream<C extends Duplex = Socket>(
  dialer: Dialer<C>,
  target?: TargetLike,
  options?: ClientSocketOptions<C>,
): () => Socket {
  const dials = new ClientDials("pgStream", dialer, target, options);
  // Before the connect, pg writes only in `client.end()`, to tell the server that it leaves.
  const stream = () => givingUpBy("write", dials.openOnConnect());
  dials.owner = stream;
  return stream;
}

markFactories({ pgStream });
