import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { ClientDials } from "./client-dials.ts";
import { secured } from "./client-tls.ts";
import { givingUpBy } from "./give-up.ts";
import type { ClientSocketOptions } from "./options.ts";

/** The options of a transport of nodemailer that name its server. */
export interface NodemailerServer {
  /** Host name or address. @defaultValue `localhost` */
  readonly host?: string | undefined;
  /** Port. @defaultValue 587, or 465 with `secure` */
  readonly port?: number | string | undefined;
  /** Whether the connection begins with TLS. @defaultValue whether the port is 465 */
  readonly secure?: boolean | undefined;
  /** Options for TLS. @defaultValue none */
  readonly tls?: ConnectionOptions | undefined;
  /** Whether connections are reused. Without a pool, each message waits for its own connection. @defaultValue `false` */
  readonly pool?: unknown;
}

/** Called with the socket, or with none and an error. */
export type NodemailerCallback = (error: Error | null, socket?: { connection: Socket; secured: boolean }) => void;

/**
 * Returns the option `getSocket` of an SMTP transport of nodemailer: its connections are made by `dialer`. With
 * `secure`, TLS is a part of the dial; STARTTLS works as usual. The client's timeouts, `close()`, and the `signal` of a
 * message cancel the dial. nodemailer replaces the `code` of an error: it is the `originalCode`.
 *
 * @param target - what to dial. @defaultValue the host and port of the transport
 * @throws TypeError or RangeError naming the option.
 * @example
 * const transport = createTransport({ host: "mail.internal", port: 587, getSocket: nodemailerSocket(dial) });
 */
export function nodemailerSocket<C extends Duplex = Socket>(
  dialer: Dialer<C>,
  target?: TargetLike,
  options?: ClientSocketOptions<C>,
): (server: NodemailerServer, callback: NodemailerCallback) => void {
  const dials = new ClientDials("nodemailerSocket", dialer, target, options);
  const getSocket = (server: NodemailerServer, callback: NodemailerCallback) => {
    const { host = "localhost", secure = Number(server.port) === 465, tls = {} } = server;
    const port = Number(server.port) || (secure ? 465 : 587);
    const more = {
      ...(secure && secured(tls, dials.options.handshake)),
      ...(!server.pool && { background: dials.options.background ?? false }),
    };
    // Before the connect: otherwise the client's timeouts would not apply to the dial.
    callback(null, { connection: givingUpBy("end", dials.open({ host, port }, more)), secured: secure });
  };
  dials.owner = getSocket;
  return getSocket;
}

markFactories({ nodemailerSocket });
