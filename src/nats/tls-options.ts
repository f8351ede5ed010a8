import { isIP } from "node:net";
import { DialError } from "../core/errors.ts";

/** The client's `tls` options that are read here. */
interface TlsNameOptions {
  readonly host?: string | undefined;
  readonly servername?: string | undefined;
}

/** The names of one TLS handshake. */
export interface TlsNames {
  /** Name or address that the server's certificate is checked against. */
  readonly host: string;
  /** Name for SNI; empty for an IP address (RFC 6066, section 3). */
  readonly servername: string;
}

/**
 * Returns the names of a handshake: `tls.servername`, else `tls.host`, else the server's own name. An empty
 * `tls.servername` sends no SNI.
 *
 * @throws DialError `tls_protocol` if the options exclude TLS.
 */
export function tlsNames(tls: TlsNameOptions | null | undefined, serverName: string): TlsNames {
  if (tls === null) {
    throw new DialError("the server requires TLS, but the option tls: null disables it", { reason: "tls_protocol" });
  }
  const host = tls?.servername || tls?.host || serverName;
  return { host, servername: tls?.servername === "" || isIP(host) !== 0 ? "" : host };
}
