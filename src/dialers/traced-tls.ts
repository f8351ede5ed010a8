import type { TLSSocket } from "node:tls";
import { systemClock } from "../async/clock.ts";
import type { HandshakeContext } from "../core/dialer.ts";
import { tlsInfo } from "../dialers/tls-info.ts";
import { chainOf } from "../engine/hook-chain.ts";
import { timed } from "../engine/timed.ts";
import { cleanError } from "../support/printable.ts";

/** Runs a TLS handshake and reports its start and end to `trace`. */
export function tracedTls(
  { trace, target }: Partial<Pick<HandshakeContext, "trace" | "target">>,
  serverName: string,
  secure: () => Promise<TLSSocket>,
): Promise<TLSSocket> {
  // A decorator of the dialer may have given the handshake hooks of its own.
  const chain = trace === undefined ? undefined : chainOf(trace);
  const context = { trace: chain, clock: systemClock, cancel: undefined };
  const work = async () => {
    try {
      return await secure();
    } catch (error) {
      // The message may quote names in the certificate, which the server chose.
      cleanError(error);
      throw error;
    }
  };
  return timed(context, "tlsHandshake", { target, serverName }, work, tlsInfo);
}
