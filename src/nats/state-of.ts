import type { ClientState } from "../client/client-trace.ts";
import { invalid, show } from "../support/validate.ts";
import type { AnyConnection } from "./any-connection.ts";
import { isConnected, lastErrorOf } from "./internals.ts";
import { knownClient } from "./known-clients.ts";

/** How a NATS connection stands at one moment. */
export interface ConnectionState {
  /** `connecting` only before the first connection. */
  readonly state: ClientState;
  /** Whether there is a connection to a server; a draining client has one, too. */
  readonly connected: boolean;
  /** `host:port` of the server that is connected; `undefined` while none is. */
  readonly server: string | undefined;
  /**
   * The last thing that went wrong since the connection stood: a loss, a failed attempt, an error that a server
   * reported, or what the client gave up for. `undefined` when nothing did. Of a connection made elsewhere only what the
   * client itself keeps: the last error that a server reported or that its socket ended with.
   */
  readonly lastError: unknown;
}

/**
 * Tells how a NATS connection stands: one of this package's `connect`, of transport-node's `connect()`, of
 * `wsconnect()` or of `nats` 2.x's. A look, without effect on the connection.
 *
 * @throws TypeError when `nc` is no NATS connection.
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
