import { isIP, type Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import type { HandshakeContext } from "../core/dialer.ts";
import { finishTlsHandshake } from "../dialers/tls-handshake.ts";
import { tracedTls } from "../dialers/traced-tls.ts";
import { lazyModules } from "../support/lazy-modules.ts";

/** Puts TLS on an open connection. The certificate is checked against `host`, unless the options give a `servername`. */
export function startTls(
  conn: Socket,
  host: string,
  options: ConnectionOptions,
  context: Pick<HandshakeContext, "trace" | "target">,
): Promise<TLSSocket> {
  // RFC 6066, section 3: SNI must not be an IP address.
  const serverName = options.servername ?? (isIP(host) === 0 ? host : "");
  return tracedTls(context, serverName, async () => {
    const socket = lazyModules.tls.connect({ ...options, socket: conn, host, servername: serverName });
    await finishTlsHandshake(socket);
    return socket;
  });
}
