import { isIP, type Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { DialError } from "../core/errors.ts";
import type { DialTrace } from "../core/trace.ts";
import { lazyModules } from "../support/lazy-modules.ts";
import { tracedTls } from "./traced-tls.ts";

/** Puts TLS on an open connection. The certificate is checked against `host`, unless the options name another. */
export function startTls(
  conn: Socket,
  host: string,
  options: ConnectionOptions,
  trace: DialTrace | undefined,
): Promise<TLSSocket> {
  // RFC 6066, section 3: an IP address is no name to ask for.
  const serverName = options.servername ?? (isIP(host) === 0 ? host : "");
  return tracedTls(trace, serverName, () =>
    secured(lazyModules.tls.connect({ ...options, socket: conn, host, servername: serverName })),
  );
}

function secured(socket: TLSSocket): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const end = () => {
      socket.removeListener("secureConnect", onSecure);
      socket.removeListener("error", onError);
      socket.removeListener("close", onClose);
    };
    const onSecure = () => {
      end();
      resolve(socket);
    };
    const onError = (error: Error) => {
      end();
      reject(error);
    };
    const onClose = () => onError(new DialError("closed during the TLS handshake", { reason: "tls_closed" }));
    socket.on("secureConnect", onSecure);
    socket.on("error", onError);
    socket.on("close", onClose);
  });
}
