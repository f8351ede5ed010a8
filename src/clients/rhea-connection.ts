import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { ClientDials } from "./client-dials.ts";
import { secured } from "./client-tls.ts";
import type { ClientSocketOptions } from "./options.ts";

/** The options of a connection of rhea, on which rhea calls `connection_details`. */
export interface RheaServer {
  /** Host name or address. @defaultValue `localhost` */
  readonly host?: string | undefined;
  /** Port. @defaultValue 5672 */
  readonly port?: number | undefined;
  /** `tls` or `ssl` for TLS. @defaultValue `tcp` */
  readonly transport?: string | undefined;
}

/** How rhea connects. */
export interface RheaConnectionDetails {
  /** Host of the server. */
  readonly host: string;
  /** Port of the server. */
  readonly port: number;
  /** Returns a socket, and calls `connected` when it has connected. */
  readonly connect: (port: number, host: string, options: unknown, connected: () => void) => Socket;
}

/**
 * Returns the option `connection_details` of a connection of rhea: it is made by `dialer`, reconnects included. With the
 * transport `tls`, TLS is a part of the dial, with the client's own options.
 *
 * @param target - what to dial. @defaultValue the host and port of the connection
 * @throws TypeError or RangeError naming the option.
 * @example
 * container.connect({ host: "mq.internal", port: 5672, connection_details: rheaConnection(dial) });
 */
export function rheaConnection<C extends Duplex = Socket>(
  dialer: Dialer<C>,
  target?: TargetLike,
  options?: ClientSocketOptions<C>,
): (this: RheaServer) => RheaConnectionDetails {
  const dials = new ClientDials("rheaConnection", dialer, target, options);
  function details(this: RheaServer): RheaConnectionDetails {
    const { host = "localhost", port = 5672, transport, ...rest } = this;
    const isSecure = transport === "tls" || transport === "ssl";
    const more = isSecure ? secured<C>(rest as ConnectionOptions, dials.options.handshake) : {};
    return {
      host,
      port,
      connect: (_port, _host, _options, connected) => dials.open({ host, port }, more).once("connect", connected),
    };
  }
  dials.owner = details;
  return details;
}

markFactories({ rheaConnection });
