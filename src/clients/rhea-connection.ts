import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import { parseTarget, type TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { ClientDials } from "./client-dials.ts";
import type { ClientSocketOptions } from "./options.ts";

/** How rhea connects. */
export interface RheaConnectionDetails {
  /** Host of the target. */
  readonly host: string;
  /** Port of the target. */
  readonly port: number;
  /** Returns a socket, and calls `connected` when it has connected. */
  readonly connect: (port: number, host: string, options: unknown, connected: () => void) => Socket;
}

/**
 * Returns the option `connection_details` of a connection of rhea: it is made by `dialer`, reconnects included. The
 * option `transport` has no effect then: for TLS, dial with `tls()`.
 *
 * @param target - what to dial: the client does not name its host and port.
 * @throws TypeError or RangeError naming the option.
 * @example
 * const connection = container.connect({ connection_details: rheaConnection(dial, "mq.internal:5672") });
 */
export function rheaConnection<C extends Duplex = Socket>(
  dialer: Dialer<C>,
  target: TargetLike,
  options?: ClientSocketOptions<C>,
): () => RheaConnectionDetails {
  const dials = new ClientDials("rheaConnection", dialer, target, options);
  const { host, port } = parseTarget(dials.targetOf(undefined));
  const connect: RheaConnectionDetails["connect"] = (_port, _host, _options, connected) =>
    dials.open(undefined).once("connect", connected);
  const details = () => ({ host, port, connect });
  dials.owner = details;
  return details;
}

markFactories({ rheaConnection });
