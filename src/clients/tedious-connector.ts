import { once } from "node:events";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { ClientDials } from "./client-dials.ts";
import type { ClientSocketOptions } from "./options.ts";

/** The server that a connection of tedious names. */
export interface TediousTarget {
  /** Host name or address. */
  readonly host?: string | undefined;
  /** Port. @defaultValue 1433 */
  readonly port?: number | undefined;
}

/**
 * Returns the option `connector` of tedious: its connections are made by `dialer`. TLS inside the protocol works as usual,
 * with the option `encrypt`. `connectTimeout` cancels the dial. tedious wraps the error of a failed dial; it is the `cause`.
 *
 * @param target - what to dial. @defaultValue the server and port of the client
 * @throws TypeError or RangeError naming the option.
 * @example
 * new Connection({ server: "db.internal", options: { port: 1433, connector: tediousConnector(dial) } });
 */
export function tediousConnector<C extends Duplex = Socket>(
  dialer: Dialer<C>,
  target?: TargetLike,
  options?: ClientSocketOptions<C>,
): (server?: TediousTarget, lookup?: unknown, signal?: AbortSignal) => Promise<Socket> {
  const dials = new ClientDials("tediousConnector", dialer, target, options);
  const connector = async (
    { host = "localhost", port = 1433 }: TediousTarget = {},
    _lookup?: unknown,
    signal?: AbortSignal,
  ) => {
    signal?.throwIfAborted();
    const socket = dials.open({ host, port });
    const abort = () => socket.destroy(signal?.reason);
    signal?.addEventListener("abort", abort);
    try {
      await once(socket, "connect");
    } finally {
      signal?.removeEventListener("abort", abort);
    }
    return socket;
  };
  dials.owner = connector;
  return connector;
}

markFactories({ tediousConnector });
