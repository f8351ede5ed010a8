import type { SecureContextOptions } from "node:tls";
import { lazyModules } from "../support/lazy-modules.ts";
import { isDeno } from "../support/runtime.ts";

/**
 * Checks that a certificate and a key can be read and belong together. Node.js and Bun do so in `createSecureContext`,
 * Deno only in the handshake: too late to keep the previous files in use. Lists and `pfx` are not checked.
 *
 * @throws Error if the certificate or the key cannot be read, or the key is that of another certificate.
 */
export function checkKeyPair({ cert, key, passphrase }: SecureContextOptions): void {
  if (!isDeno || !isPem(cert) || !isPem(key)) return;
  const { createPrivateKey, X509Certificate } = lazyModules.crypto;
  const own = createPrivateKey(passphrase === undefined ? key : { key, passphrase });
  if (!new X509Certificate(cert).checkPrivateKey(own)) throw new Error("the key does not match the certificate");
}

function isPem(value: unknown): value is string | Buffer {
  return typeof value === "string" || Buffer.isBuffer(value);
}
