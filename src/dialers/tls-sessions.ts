import { BoundedMap } from "../support/bounded-map.ts";

/** Servers whose sessions are kept; beyond it the oldest is dropped. */
const maxServers = 1000;

/** What a handshake left for the next to resume. */
export interface Session {
  readonly ticket: Buffer;
  /** End of validity of the certificate that it began with, in milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
}

/**
 * The last TLS session of each server, for the next handshake to resume. A server that wants each used
 * once only answers a second use with a full handshake. No session outlives the server's certificate,
 * which a resumed handshake doesn't show.
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
