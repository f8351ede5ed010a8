import { BoundedMap } from "../support/bounded-map.ts";

/** Maximum number of stored sessions; the oldest is dropped first. */
const maxServers = 1000;

/** A session to resume. */
export interface Session {
  /** Serialized session, for the `session` option of `tls.connect`. */
  readonly ticket: Buffer;
  /** Expiry of the certificate of the original handshake, in milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
}

/**
 * The last TLS session of each server. A server that accepts each ticket only once answers the second use with a full
 * handshake. A session expires with the server's certificate, because a resumed handshake does not show the certificate.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8446#section-2.2
 */
export class SessionCache {
  readonly #sessions = new BoundedMap<string, Session>(maxServers);

  get(server: string): Session | undefined {
    const session = this.#sessions.get(server);
    return (session?.expiresAt ?? 0) > Date.now() ? session : undefined;
  }

  delete(server: string): void {
    this.#sessions.delete(server);
  }

  put(server: string, session: Session): void {
    this.#sessions.set(server, session);
  }
}
