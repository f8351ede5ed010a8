import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Screen } from "./screen.ts";

/** Drains the client if it has a connection, so that no published message is lost, and closes it. */
export async function leave(nc: NatsConnection, screen: Screen): Promise<void> {
  if (nc.isClosed()) {
    screen.say("client", "closed; there was no connection to drain");
    return;
  }
  const ended = await Promise.race([
    nc.drain().then(
      () => "drained and closed",
      () => "lost its connection while draining",
    ),
    sleep(1000, "could not drain within a second", { ref: false }),
  ]);
  screen.say("client", ended);
  await nc.close();
}
