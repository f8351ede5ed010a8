import type { TLSSocket } from "node:tls";
import { DialError } from "../core/errors.ts";
import { lazyModules } from "../support/lazy-modules.ts";
import { invalid, show } from "../support/validate.ts";

/**
 * Checks that every pin is a SHA-256 hash in base64 (RFC 7469).
 *
 * @throws TypeError
 */
export function checkPins(pins: unknown): void {
  const valid = (pin: unknown) => typeof pin === "string" && /^[A-Za-z0-9+/]{43}=$/.test(pin);
  if (!Array.isArray(pins) || pins.length === 0 || !pins.every(valid)) {
    throw invalid(TypeError, `tls: pins must be SHA-256 hashes of public keys in base64, got ${show(pins)}`);
  }
}

/**
 * Checks that the server's public key is pinned.
 *
 * @throws DialError `tls_cert_untrusted`.
 * @see https://www.rfc-editor.org/rfc/rfc7469#section-2.4
 */
export function checkPinned(socket: TLSSocket, pins: readonly string[]): void {
  const { raw } = socket.getPeerCertificate();
  const { createHash, X509Certificate } = lazyModules.crypto;
  const key = new X509Certificate(raw).publicKey.export({ type: "spki", format: "der" });
  const hash = createHash("sha256").update(key).digest("base64");
  if (!pins.includes(hash)) {
    throw new DialError("the server's public key does not match any pin", { reason: "tls_cert_untrusted" });
  }
}
