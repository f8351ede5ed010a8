import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Screen } from "./screen.ts";

/** Drains where there is a connection, so that nothing that was said gets lost. */
export async function leave(nc: NatsConnection, screen: Screen): Promise<void> {
  if (nc.isClosed()) {
    screen.say("client", "is closed; there was no connection to drain");
    return;
  }
  const ended = await Promise.race([
    nc.drain().then(
      () => "is drained and closed",
      () => "lost its connection while it drained",
    ),
    sleep(1000, "could not drain within a second", { ref: false }),
  ]);
  screen.say("client", ended);
  await nc.close();
}
