import type { TLSSocket } from "node:tls";
import type { TlsHandshakeDoneInfo } from "../core/trace.ts";

/** Result of a TLS handshake, for the `tlsHandshakeDone` hook; empty if the socket has been closed. */
export function tlsInfo(
  socket: TLSSocket,
): Omit<TlsHandshakeDoneInfo, "target" | "serverName" | "durationMs" | "outcome"> {
  if (socket.destroyed) return {};
  return {
    protocol: socket.getProtocol() ?? undefined,
    cipher: socket.getCipher().standardName,
    alpnProtocol: socket.alpnProtocol || undefined,
    resumed: socket.isSessionReused(),
    peerCertificateExpiresAt: peerCertificateExpiry(socket),
  };
}

/**
 * Expiry of the peer's certificate in milliseconds since the epoch; `undefined` in a resumed session.
 * It does not use `getPeerX509Certificate`, after which Node 20 returns no certificate to later calls.
 */
export function peerCertificateExpiry(socket: TLSSocket): number | undefined {
  return Date.parse(socket.getPeerCertificate()?.valid_to) || undefined;
}
