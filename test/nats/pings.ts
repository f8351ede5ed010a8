import type { NatsConnection } from "@nats-io/transport-node";

interface Heartbeat {
  interval: number;
  maxOut: number;
  start(): void;
}

/**
 * Changes the `pingInterval` and `maxPingOut` of an open connection. With short ones from the start, a pause of the server or
 * of this process would end the connection too.
 */
export function setPings(nc: NatsConnection, pingInterval: number, maxPingOut: number): void {
  const { heartbeats } = (nc as unknown as { protocol: { heartbeats: Heartbeat } }).protocol;
  heartbeats.interval = pingInterval;
  heartbeats.maxOut = maxPingOut;
  heartbeats.start();
}
