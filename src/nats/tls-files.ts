import type { SecureContext, SecureContextOptions } from "node:tls";
import { credentialsOf } from "../dialers/tls-files.ts";
import type { NodeConnectionOptions } from "./nats-library.ts";

/** The files of a client. */
interface TlsFileSource {
  /** Resolves to the option of `tls.connect` that replaces certificates and keys. */
  options(): Promise<{ readonly secureContext: SecureContext }>;
  /** Resolves to the client's certificate. */
  certificate(): Promise<string | Buffer | undefined>;
}

/** By the options of a client, because each dial has a transport of its own. */
const sources = new WeakMap<NodeConnectionOptions, TlsFileSource>();

/**
 * Returns the certificates and keys of a client whose `tls` options name files, as the dialer `tls()` creates it.
 * The last usable content of a file stays in use while the file is missing or half written. A file takes precedence over
 * a value given directly.
 *
 * @returns `undefined` for a client without files.
 */
export function tlsFilesOf(options: NodeConnectionOptions): TlsFileSource | undefined {
  const { caFile, certFile, keyFile, ...direct } = options.tls ?? {};
  if (!caFile && !certFile && !keyFile) return undefined;
  let source = sources.get(options);
  if (source === undefined) {
    const files = { ca: caFile || undefined, cert: certFile || undefined, key: keyFile || undefined };
    const credentials = credentialsOf(direct as SecureContextOptions, files, "connect: tls.");
    source = {
      options: async () => ({ secureContext: (await credentials()).context }),
      certificate: async () => (await credentials()).certificate,
    };
    sources.set(options, source);
  }
  return source;
}
