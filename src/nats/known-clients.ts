import type { NatsConnection } from "@nats-io/transport-node";
import type { ClientEvents } from "../core/client-events.ts";

const known = new WeakMap<NatsConnection, ClientEvents>();

/** Notes the events of a connection that this package made, for whoever is given only the connection. */
export function rememberClient(nc: NatsConnection, events: ClientEvents): void {
  known.set(nc, events);
}

/** The events of a connection that this package made; `undefined` for anyone else's. */
export function eventsOf(nc: NatsConnection): ClientEvents | undefined {
  return known.get(nc);
}
