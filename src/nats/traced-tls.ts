import type { TLSSocket } from "node:tls";
import type { DialTrace } from "../core/trace.ts";
import { tlsInfo } from "../dialers/tls-info.ts";
import { outcomeOf } from "../engine/outcome.ts";
import { cleanError } from "../support/printable.ts";

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
    trace?.tlsHandshakeDone?.({ serverName, durationMs, ...outcomeOf(error, undefined) });
    throw error;
  }
}
