import type { Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { DialError } from "../core/errors.ts";
import { lazyModules } from "../support/lazy-modules.ts";
import { isDeno } from "../support/runtime.ts";
import { peerCertificateExpiry } from "./tls-info.ts";
import type { Session, SessionCache } from "./tls-sessions.ts";

/** The TLS session of one server: what is resumed, and where new tickets are stored. */
export interface Resumption {
  readonly sessions: SessionCache;
  /** Key of the server in {@link sessions}. */
  readonly server: string;
  /** The session to resume, if one is stored. */
  readonly session: Session | undefined;
}

/**
 * Performs a TLS handshake on an open connection.
 *
 * @param resumption - without it, no session is resumed or stored.
 * @throws DialError `tls_closed` or `tls_client_cert`; Node's error for any other failure.
 */
export async function handshake(
  socket: Socket,
  settings: ConnectionOptions,
  resumption: Resumption | undefined,
): Promise<TLSSocket> {
  const session = resumption?.session;
  const conn = lazyModules.tls.connect({
    ...settings,
    socket,
    ...(session !== undefined && { session: session.ticket }),
  });
  if (resumption !== undefined) storeSessions(conn, resumption);
  await finishTlsHandshake(conn);
  return conn;
}

/** Stores each session ticket that the server sends. */
function storeSessions(conn: TLSSocket, { sessions, server, session }: Resumption): void {
  // Read early: a ticket may arrive after the connection is closed, which then shows no certificate.
  let expiresAt: number | undefined;
  conn.once("secureConnect", () => {
    expiresAt = peerCertificateExpiry(conn) ?? session?.expiresAt;
  });
  conn.on("session", (ticket: Buffer) => sessions.put(server, { ticket, expiresAt }));
}

/**
 * Resolves when the TLS handshake of `conn` is done. On failure the socket is destroyed; no listener is left.
 *
 * @throws the error of the socket; DialError `tls_client_cert` when the server requires a client certificate, and
 * `tls_closed` when it closes the connection.
 */
export function finishTlsHandshake(conn: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      conn.removeListener("secureConnect", onSecure);
      conn.removeListener("error", onError);
      conn.removeListener("close", onClose);
    };
    const done = () => {
      end();
      resolve();
    };
    // Deno may report an alert before the next phase has its listeners: the error would end the process.
    const onSecure = isDeno ? () => void setImmediate(done) : done;
    const onError = (error: Error) => {
      end();
      const reason = wantsCertificate(error, conn) ? "tls_client_cert" : undefined;
      conn.destroy();
      reject(reason === undefined ? error : new DialError(error.message, { reason, cause: error }));
    };
    const onClose = () => onError(new DialError("closed during the TLS handshake", { reason: "tls_closed" }));
    conn.on("secureConnect", onSecure);
    conn.on("error", onError);
    conn.on("close", onClose);
  });
}

/**
 * Whether a handshake failed because the client has no certificate. TLS 1.2 has no alert for that: OpenSSL's servers send
 * `handshake_failure`, which otherwise means that client and server have no parameters in common. After the server has
 * sent its certificate, only the first meaning is possible.
 */
function wantsCertificate(error: Error, conn: TLSSocket): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return /_ALERT_HANDSHAKE_FAILURE$/.test(code ?? "") && conn.getPeerCertificate()?.raw !== undefined;
}
