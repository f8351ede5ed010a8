import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { SecureContextOptions } from "node:tls";
import { classify } from "../core/classify.ts";
import { DialError, messageOf } from "../core/errors.ts";

/** The client's `tls` options, as far as they are looked at here. */
interface TlsOptions {
  readonly host?: string | undefined;
  readonly servername?: string | undefined;
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
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
export function tlsNames(tls: TlsOptions | null | undefined, serverName: string): TlsNames {
  if (tls === null) {
    throw new DialError("the server requires TLS, which the option tls: null rules out", { reason: "tls_protocol" });
  }
  const host = tls?.servername || tls?.host || serverName;
  return { host, servername: tls?.servername === "" || isIP(host) !== 0 ? "" : host };
}

const fileOptions = { ca: "caFile", cert: "certFile", key: "keyFile" } as const;

/**
 * Reads the files that the client's `tls` options name, at each handshake, so that they can be rotated.
 * A file takes precedence over the same thing given directly.
 *
 * @throws DialError `config` naming the option whose file can't be read.
 */
export async function readTlsFiles(tls: TlsOptions & SecureContextOptions): Promise<SecureContextOptions> {
  const read: SecureContextOptions = {};
  for (const [name, option] of Object.entries(fileOptions) as [keyof typeof fileOptions, keyof TlsOptions][]) {
    const path = tls[option];
    if (path) read[name] = await readTlsFile(option, path);
    else if (tls[name] !== undefined) read[name] = tls[name] as Buffer;
  }
  return read;
}

async function readTlsFile(option: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = classify(error) === "local_resource" ? "local_resource" : "config";
    throw new DialError(`connect: tls.${option} ${path} can't be read: ${messageOf(error)}`, { reason, cause: error });
  }
}
