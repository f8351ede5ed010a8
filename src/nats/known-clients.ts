import type { ClientEvents } from "../client/client-events.ts";
import type { AnyConnection } from "./any-connection.ts";
import { addNatsErrorRules } from "./error-rules.ts";

/** How a client stands, read when asked for. */
export interface ClientView {
  /** Whether there is a connection to a server. */
  connected(): boolean;
  lastError(): unknown;
}

interface KnownClient extends Partial<ClientView> {
  readonly events: ClientEvents;
}

const known = new WeakMap<AnyConnection, KnownClient>();

/** Notes what is known of a connection that this package made, for functions that are given only the connection. */
export function rememberClient(nc: AnyConnection, events: ClientEvents, view?: ClientView): void {
  known.set(nc, { ...view, events });
}

/** What is known of a connection that this package made; `undefined` for any other. */
export function knownClient(nc: AnyConnection): KnownClient | undefined {
  return known.get(nc);
}

// Here, because every function that brings a NATS client into the process uses this module.
addNatsErrorRules();
