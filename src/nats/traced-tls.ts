import type { TLSSocket } from "node:tls";
import { failed } from "../core/outcome.ts";
import { cleanError } from "../core/printable.ts";
import { tlsInfo } from "../core/tls-info.ts";
import type { DialTrace } from "../core/trace.ts";

/** Tells `trace` how a TLS handshake goes, which `secure` makes. */
export async function tracedTls(
  trace: DialTrace | undefined,
  serverName: string,
  secure: () => Promise<TLSSocket>,
): Promise<TLSSocket> {
  trace?.tlsHandshakeStart?.({ serverName });
  const startedAt = performance.now();
  try {
    const socket = await secure();
    const durationMs = performance.now() - startedAt;
    trace?.tlsHandshakeDone?.({ serverName, durationMs, outcome: "success", ...tlsInfo(socket) });
    return socket;
  } catch (error) {
    // A certificate's names are the server's own words.
    cleanError(error);
    const durationMs = performance.now() - startedAt;
    trace?.tlsHandshakeDone?.({ serverName, durationMs, ...failed(error, undefined) });
    throw error;
  }
}
