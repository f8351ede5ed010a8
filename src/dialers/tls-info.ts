import type { TLSSocket } from "node:tls";
import type { TlsHandshakeDoneInfo } from "../core/trace.ts";

/** What a finished TLS handshake agreed on, for the `tlsHandshakeDone` hook; nothing of a socket closed since. */
export function tlsInfo(socket: TLSSocket): Omit<TlsHandshakeDoneInfo, "serverName" | "durationMs" | "outcome"> {
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
 * End of validity of the peer's certificate, in milliseconds since the epoch; a resumed session shows none.
 * Not by `getPeerX509Certificate`: with Node 20 it takes the certificate away from whoever asks next.
 */
export function peerCertificateExpiry(socket: TLSSocket): number | undefined {
  return Date.parse(socket.getPeerCertificate()?.valid_to) || undefined;
}
