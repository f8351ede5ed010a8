import { isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { systemClock } from "../async/clock.ts";
import type { Handshake } from "../core/dialer.ts";
import { DialError } from "../core/errors.ts";
import { chainOf } from "../engine/hook-chain.ts";
import { timed } from "../engine/timed.ts";
import { cleanError } from "../support/printable.ts";
import { blankerOf, inheritSecrets } from "../support/sent-secrets.ts";
import { isSecured } from "./secured.ts";
import { handshake, type Resumption } from "./tls-handshake.ts";
import { tlsInfo } from "./tls-info.ts";
import type { SessionCache } from "./tls-sessions.ts";

/** TLS with the options of a client. */
export interface TlsUpgrade<C extends Duplex> {
  /** The client's options for `tls.connect`. */
  readonly options: ConnectionOptions;
  /** Application protocols that the client speaks, in order of preference; `undefined` if it leaves the choice to `options`. */
  readonly protocols?: readonly string[] | undefined;
  /** Where sessions are stored; `undefined` to resume none. */
  readonly sessions?: SessionCache | undefined;
  /** Distinguishes options with other authorities or certificates in {@link sessions}. */
  readonly sessionKey?: string | undefined;
  /** The caller's own handshake, beneath TLS. */
  readonly before: Handshake<C> | undefined;
}

/**
 * Returns a handshake of a dial that does TLS with a client's own options, so that its failures have a reason. A
 * connection that the dialer has secured already is used as it is: then the dialer's options apply, and not the client's.
 *
 * The certificate is checked against `servername`, and without one against the host that was dialed, as `tls()` does.
 */
export function tlsUpgrade<C extends Duplex>(upgrade: TlsUpgrade<C>): Handshake<C> {
  const { options, protocols, before } = upgrade;
  return async function upgradeToTls(conn, context) {
    const opened = before === undefined ? conn : await before(conn, context);
    const { target } = context;
    const host = options.servername || target.host.replace(/\.$/, "");
    if (isSecured(opened, target, host)) return withProtocol(opened, protocols);
    if (host === "" && options.rejectUnauthorized !== false) {
      throw new DialError("servername is required for TLS over a unix socket, to check the certificate", {
        reason: "config",
      });
    }
    const servername = isIP(host) === 0 ? host : "";
    const trace = context.trace === undefined ? undefined : chainOf(context.trace);
    const part = { trace, clock: systemClock, cancel: undefined };
    const socket = opened as Duplex as Socket;
    const secure = () => secured(socket, upgrade, { host, servername });
    const result = await timed(part, "tlsHandshake", { target, serverName: servername }, secure, tlsInfo);
    return withProtocol(result as Duplex as C, protocols);
  };
}

interface PeerNames {
  readonly host: string;
  readonly servername: string;
}

async function secured<C extends Duplex>(
  socket: Socket,
  { options, protocols = [], sessions, sessionKey = "" }: TlsUpgrade<C>,
  { host, servername }: PeerNames,
): Promise<TLSSocket> {
  const resumption = sessions && resumptionOf(sessions, `${host} ${sessionKey}`);
  const ALPNProtocols = options.ALPNProtocols ?? [...protocols];
  // A request's own timer and signal end the request, and not the connection, which outlives it.
  const settings = { ...options, host, servername, ALPNProtocols, timeout: undefined, signal: undefined };
  try {
    const conn = await handshake(socket, settings, resumption);
    inheritSecrets(conn, socket);
    return conn;
  } catch (error) {
    // The message may quote names in the certificate, which the server chose.
    cleanError(error, blankerOf(socket));
    // The resumed session may have caused the failure.
    if (resumption !== undefined) sessions?.delete(resumption.server);
    throw error;
  }
}

function resumptionOf(sessions: SessionCache, server: string): Resumption {
  return { sessions, server, session: sessions.get(server) };
}

/** Rejects a connection whose application protocol, chosen by the server or the dialer, the client does not speak. */
function withProtocol<C extends Duplex>(conn: C, protocols: readonly string[] | undefined): C {
  if (protocols === undefined) return conn;
  const chosen = (conn as Duplex as Partial<TLSSocket>).alpnProtocol;
  if (typeof chosen !== "string" || chosen === "" || protocols.includes(chosen)) return conn;
  throw new DialError(`TLS negotiated ${chosen}, but the client speaks only ${protocols.join(" and ")}`, {
    reason: "config",
  });
}
