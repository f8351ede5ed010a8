import { isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import type { Handshake } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import { handshake } from "../dialers/tls-handshake.ts";
import { tracedTls } from "../dialers/traced-tls.ts";

/** What a socket of a client needs to have TLS: the dial does it, so that its failures have a reason. */
interface Secured<C extends Duplex> {
  readonly handshake: Handshake<C>;
  /** The event that clients wait for. */
  readonly event: "secureConnect";
}

/**
 * Returns the options of a dial that does TLS with the client's own options, `options`. A dialer that yields a
 * `TLSSocket` has done it already. The certificate is checked against `servername`, and without one against the host that
 * was dialed, as `tls()` does.
 *
 * @param before - the handshake that the dial has beneath TLS, if any.
 */
export function secured<C extends Duplex>(options: ConnectionOptions, before?: Handshake<C>): Secured<C> {
  const secure: Handshake<C> = async (conn, context) => {
    const opened = before === undefined ? conn : await before(conn, context);
    if ((opened as Duplex as Partial<TLSSocket>).encrypted === true) return opened;
    const host = options.servername || context.target.host;
    if (host === "" && options.rejectUnauthorized !== false) {
      const message = "servername is required for TLS over a unix socket, to check the certificate";
      throw new DialError(message, { reason: "config" });
    }
    const servername = isIP(host) === 0 ? host : "";
    // A client's own timer and signal are those of its socket, and not of the one beneath.
    const settings = { ...options, host, servername, timeout: undefined, signal: undefined };
    const socket = opened as Duplex as Socket;
    return tracedTls(context.trace, servername, () => handshake(socket, settings, undefined)) as Promise<never>;
  };
  return { handshake: secure, event: "secureConnect" };
}
