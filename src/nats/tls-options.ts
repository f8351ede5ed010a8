import { isIP } from "node:net";
import { DialError } from "../core/errors.ts";

/** The client's `tls` options, as far as they are looked at here. */
interface TlsNameOptions {
  readonly host?: string | undefined;
  readonly servername?: string | undefined;
}

/** The names of one TLS handshake. */
export interface TlsNames {
  /** What the server's certificate is checked against. */
  readonly host: string;
  /** What SNI asks for; empty for an IP address, which is no name (RFC 6066, section 3). */
  readonly servername: string;
}

/**
 * The names of a handshake: `tls.servername`, else `tls.host`, else the server's own. An empty
 * `tls.servername` sends no SNI.
 *
 * @throws DialError `tls_protocol` when the options rule TLS out.
 */
export function tlsNames(tls: TlsNameOptions | null | undefined, serverName: string): TlsNames {
  if (tls === null) {
    throw new DialError("the server requires TLS, which the option tls: null rules out", { reason: "tls_protocol" });
  }
  const host = tls?.servername || tls?.host || serverName;
  return { host, servername: tls?.servername === "" || isIP(host) !== 0 ? "" : host };
}
