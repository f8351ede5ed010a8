import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { ClientDials } from "./client-dials.ts";
import { givingUpBy } from "./give-up.ts";
import type { ClientSocketOptions } from "./options.ts";

/** The options of `postgres` that name its server, as it passes them on. */
export interface PostgresTarget {
  /** Host names; the first is dialed. @defaultValue `localhost` */
  readonly host?: readonly string[] | string | undefined;
  /** Ports, one for each host. @defaultValue 5432 */
  readonly port?: readonly number[] | number | undefined;
  /** Path of a unix socket; it wins over the host. @defaultValue none */
  readonly path?: string | false | undefined;
}

/**
 * Returns the option `socket` of `postgres` (postgres.js): its connections are made by `dialer`. TLS inside the protocol
 * works as usual, with the option `ssl`. `connect_timeout` and `sql.end({ timeout })` cancel the dial.
 *
 * @param target - what to dial; the name that TLS verifies stays that of the client's first host. @defaultValue the
 * first host and port of the client; for several, use `withFailover`
 * @throws TypeError or RangeError naming the option.
 * @example
 * const sql = postgres({ host: "db.internal", socket: postgresSocket(dial) });
 */
export function postgresSocket<C extends Duplex = Socket>(
  dialer: Dialer<C>,
  target?: TargetLike,
  options?: ClientSocketOptions<C>,
): (client: PostgresTarget) => Socket & { readonly host: string } {
  const dials = new ClientDials("postgresSocket", dialer, target, options);
  const open = ({ host, port, path }: PostgresTarget) => {
    const [firstHost = "localhost"] = [host].flat();
    const [firstPort = 5432] = [port].flat();
    const socket = dials.open(path ? { path } : { host: firstHost, port: firstPort });
    // The client gives up a connecting socket by removing its listeners.
    givingUpBy("removeListener", socket, (event) => event === "data");
    // The name for TLS; without it the client would verify "localhost".
    return Object.assign(socket, { host: firstHost });
  };
  dials.owner = open;
  return open;
}

markFactories({ postgresSocket });
