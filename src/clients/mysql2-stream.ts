import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { ClientDials } from "./client-dials.ts";
import { givingUpBy } from "./give-up.ts";
import type { ClientSocketOptions } from "./options.ts";

/** The options of a connection of mysql2 that name its server, as it passes them on. */
export interface Mysql2Target {
  readonly config: {
    /** Host name or address. @defaultValue `localhost` */
    readonly host?: string | undefined;
    /** Port. @defaultValue 3306 */
    readonly port?: number | undefined;
    /** Path of a unix socket; it wins over the host. @defaultValue none */
    readonly socketPath?: string | undefined;
  };
}

/**
 * Returns the option `stream` of mysql2's connections and pools: they are made by `dialer`. TLS inside the protocol works
 * as usual, with the option `ssl`. `connectTimeout` and `connection.destroy()` cancel the dial.
 *
 * @param target - what to dial. @defaultValue the host and port, or the `socketPath`, of the client
 * @throws TypeError or RangeError naming the option.
 * @example
 * const pool = mysql.createPool({ host: "db.internal", stream: mysql2Stream(dial) });
 */
export function mysql2Stream<C extends Duplex = Socket>(
  dialer: Dialer<C>,
  target?: TargetLike,
  options?: ClientSocketOptions<C>,
): (connection: Mysql2Target) => Socket {
  const dials = new ClientDials("mysql2Stream", dialer, target, options);
  const stream = ({ config: { host = "localhost", port = 3306, socketPath } }: Mysql2Target) =>
    // The client writes nothing before the server does, and ends the socket in `destroy()`.
    givingUpBy("end", dials.open(socketPath ? { path: socketPath } : { host, port }));
  dials.owner = stream;
  return stream;
}

markFactories({ mysql2Stream });
