import type { ClientState } from "../client/client-trace.ts";
import { invalid, show } from "../support/validate.ts";
import type { AnyConnection } from "./any-connection.ts";
import { isConnected, lastErrorOf } from "./internals.ts";
import { knownClient } from "./known-clients.ts";

/** The state of a NATS connection at one moment. */
export interface ConnectionState {
  /** State of the client; `connecting` only before the first connection. */
  readonly state: ClientState;
  /** Whether there is a connection to a server, also while draining. */
  readonly connected: boolean;
  /** `host:port` of the connected server; `undefined` if there is none. */
  readonly server: string | undefined;
  /**
   * The last failure since the connection was established: a loss, a failed attempt, an error that a server reported, or
   * the error that closed the client. `undefined` if there was none. For a connection made elsewhere, only the last error
   * that a server reported or that ended the socket.
   */
  readonly lastError: unknown;
}

/**
 * Returns the state of a NATS connection of this package, transport-node's `connect()`, `wsconnect()` or `nats` 2.x. It has
 * no effect on the connection.
 *
 * @throws TypeError if `nc` is not a NATS connection.
 * @see https://pkg.go.dev/github.com/nats-io/nats.go#Conn.Status
 * @example
 * const { connected, lastError } = stateOf(nc);
 */
export function stateOf(nc: AnyConnection): ConnectionState {
  if (typeof nc?.isClosed !== "function" || typeof nc.isDraining !== "function") {
    throw invalid(
      TypeError,
      `stateOf: nc must be a NATS connection, with isClosed() and isDraining(), got ${show(nc)}`,
    );
  }
  const known = knownClient(nc);
  const connected = known?.connected?.() ?? (!nc.isClosed() && isConnected(nc));
  return {
    state: known?.events.state ?? stateFrom(nc, connected),
    connected,
    server: connected ? nc.getServer() : undefined,
    lastError: known?.lastError === undefined ? lastErrorOf(nc) : known.lastError(),
  };
}

function stateFrom(nc: AnyConnection, connected: boolean): ClientState {
  if (nc.isClosed()) return "closed";
  if (nc.isDraining()) return "draining";
  return connected ? "connected" : "reconnecting";
}
