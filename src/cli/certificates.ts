import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from "node:tls";
import type { Certificate, TlsFacts } from "./facts.ts";

/** Maximum length of the chain that is read: the server chooses the chain. */
const maxChain = 10;
/** Maximum number of names kept per certificate. */
const maxNames = 20;

/**
 * Reads the parameters and the certificates of a TLS connection.
 *
 * @param clean - makes the text of the server printable and removes secrets.
 * @returns `undefined` if the connection is closed.
 */
export function tlsFacts(conn: TLSSocket, verified: boolean, clean: (text: string) => string): TlsFacts | undefined {
  if (conn.destroyed) return undefined;
  return {
    protocol: conn.getProtocol() ?? "",
    cipher: conn.getCipher()?.standardName ?? "",
    alpn: conn.alpnProtocol ? clean(conn.alpnProtocol) : undefined,
    chain: chainOf(conn.getPeerCertificate(true)).map((each) => certificateOf(each, clean)),
    verified,
  };
}

function chainOf(first: DetailedPeerCertificate | undefined): readonly DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  let next = first;
  // The issuer of a self-signed certificate is itself.
  while (next?.raw !== undefined && chain.length < maxChain && !chain.includes(next)) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}

function certificateOf(certificate: PeerCertificate, clean: (text: string) => string): Certificate {
  const { subject, issuer, subjectaltname = "", valid_from, valid_to, fingerprint256 } = certificate;
  return {
    subject: clean(nameOf(subject)),
    issuer: clean(nameOf(issuer)),
    names: subjectaltname
      .split(", ")
      .filter((name) => name !== "")
      .slice(0, maxNames)
      .map((name) => clean(name.replace(/^(?:DNS|IP Address):/, ""))),
    validFrom: Date.parse(valid_from) || 0,
    validTo: Date.parse(valid_to) || 0,
    fingerprint: fingerprint256,
  };
}

/** A certificate may have several values for a field, or none. */
function nameOf(name: Readonly<Record<string, unknown>> | undefined): string {
  const value = name?.CN ?? name?.O ?? name?.OU ?? "";
  return [value].flat().join(", ");
}
