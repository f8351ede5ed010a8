import type { TLSSocket } from "node:tls";
import { DialError } from "../core/errors.ts";

/**
 * Resolves when the TLS handshake of `conn` is done. On failure it destroys the socket; it leaves no listener behind.
 *
 * @throws the socket's error; DialError `tls_client_cert` if the server requires a client certificate, and
 * `tls_closed` if it closes the connection.
 */
export function finishTlsHandshake(conn: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const removeListeners = () => {
      conn.removeListener("secureConnect", onSecure);
      conn.removeListener("error", onError);
      conn.removeListener("close", onClose);
    };
    const onSecure = () => {
      removeListeners();
      resolve();
    };
    const onError = (error: Error) => {
      removeListeners();
      const reason = requiresClientCertificate(error, conn) ? "tls_client_cert" : undefined;
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
 * TLS 1.2 has no alert for a missing client certificate. OpenSSL's servers send `handshake_failure`, which otherwise
 * means that the peers have no parameters in common. That cannot be meant once the server has shown its certificate.
 */
function requiresClientCertificate(error: Error, conn: TLSSocket): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return /_ALERT_HANDSHAKE_FAILURE$/.test(code ?? "") && conn.getPeerCertificate()?.raw !== undefined;
}
