import type { SecureContext, SecureContextOptions } from "node:tls";
import { credentialsOf } from "../dialers/tls-files.ts";
import type { NodeConnectionOptions } from "./nats-library.ts";

/** Resolves to what `tls.connect` takes in place of certificates and keys. */
type SecureContextSource = () => Promise<{ readonly secureContext: SecureContext }>;

/** By the options of a client, as each of its connects has a transport of its own. */
const sources = new WeakMap<NodeConnectionOptions, SecureContextSource>();

/**
 * The secure context of a client whose `tls` options name files, as the dialer `tls()` makes it: the last files
 * that could be used serve while others are half written. A file takes precedence over what is given directly.
 *
 * @returns `undefined` for a client without files.
 */
export function tlsFilesOf(options: NodeConnectionOptions): SecureContextSource | undefined {
  const { caFile, certFile, keyFile, ...direct } = options.tls ?? {};
  if (!caFile && !certFile && !keyFile) return undefined;
  let source = sources.get(options);
  if (source === undefined) {
    const files = { ca: caFile || undefined, cert: certFile || undefined, key: keyFile || undefined };
    const credentials = credentialsOf(direct as SecureContextOptions, files, "connect: tls.");
    source = async () => ({ secureContext: (await credentials()).context });
    sources.set(options, source);
  }
  return source;
}
