import type { ClientEvents } from "../client/client-events.ts";
import type { AnyConnection } from "./any-connection.ts";
import { addNatsErrorRules } from "./error-rules.ts";

/** State of a client, read on demand. */
export interface ClientView {
  /** Whether there is a connection to a server. */
  connected(): boolean;
  /** The last failure since the connection was established; `undefined` if there was none. */
  lastError(): unknown;
}

interface KnownClient extends Partial<ClientView> {
  readonly events: ClientEvents;
}

const known = new WeakMap<AnyConnection, KnownClient>();

/** Records the events and the state of a connection that this package made, for functions that receive only the connection. */
export function rememberClient(nc: AnyConnection, events: ClientEvents, view?: ClientView): void {
  known.set(nc, { ...view, events });
}

/** Returns the record of a connection that this package made; `undefined` for any other. */
export function knownClient(nc: AnyConnection): KnownClient | undefined {
  return known.get(nc);
}

// Here, because every function that brings a NATS client into the process uses this module.
addNatsErrorRules();
