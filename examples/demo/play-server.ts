import { type EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { NatsServer } from "./nats-server.ts";
import type { DemoOptions } from "./options.ts";
import type { Screen } from "./screen.ts";

/** Starts the server late, stops it `downAfter` seconds after the first "received" event, and starts it again. */
export async function playServer(
  server: NatsServer,
  messages: EventEmitter,
  { upAfter, downAfter, downFor }: DemoOptions,
  screen: Screen,
  stop: AbortController,
): Promise<void> {
  const wait = (seconds: number) => sleep(seconds * 1000, undefined, { signal: stop.signal });
  const firstMessage = once(messages, "received", { signal: stop.signal });
  firstMessage.catch(() => {}); // It is not awaited if the server fails to start.
  try {
    await wait(upAfter);
    screen.say("server", await server.start());
    await firstMessage;
    await wait(downAfter);
    screen.say("server", `goes down for ${downFor} s`);
    await server.stop();
    await wait(downFor);
    screen.say("server", await server.start());
  } catch (error) {
    stop.abort(error);
  }
}
