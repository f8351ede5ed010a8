import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import type { Handshake } from "../core/dialer.ts";
import { tlsUpgrade } from "../dialers/tls-upgrade.ts";

/** Options of a lazy socket with TLS. TLS is a part of the dial, so that its failures have a reason. */
interface Secured<C extends Duplex> {
  readonly handshake: Handshake<C>;
  /** The event that clients wait for. */
  readonly event: "secureConnect";
}

/**
 * Returns the options of a lazy socket that does TLS with the client's own options, `options`.
 *
 * @param before - the handshake that the dial has beneath TLS, if any.
 */
export function secured<C extends Duplex>(options: ConnectionOptions, before?: Handshake<C>): Secured<C> {
  return { handshake: tlsUpgrade({ options, before }), event: "secureConnect" };
}
