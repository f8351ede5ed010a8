import type { ClientEvents } from "../core/client-events.ts";
import type { AnyConnection } from "./any-connection.ts";

const known = new WeakMap<AnyConnection, ClientEvents>();

/** Notes the events of a connection that this package made, for whoever is given only the connection. */
export function rememberClient(nc: AnyConnection, events: ClientEvents): void {
  known.set(nc, events);
}

/** The events of a connection that this package made; `undefined` for anyone else's. */
export function eventsOf(nc: AnyConnection): ClientEvents | undefined {
  return known.get(nc);
}
