/**
 * A program that ignores every promise that a client returns, in one state of the client:
 *
 *   node --import tsx test/support/ignored-promises.ts STATE SERVER DEAD_SERVER
 *
 * It prints each method before it calls it, ends the client, and exits as Node decides: with 1 when a rejection was
 * unhandled.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "./nats-line.ts";

type Client = Awaited<ReturnType<typeof connect>>;

const [state = "", server = "", deadServer = ""] = process.argv.slice(2);

/** Brings a connected client into the state. */
const states: Record<string, (nc: Client) => unknown> = {
  connected: () => {},
  busy: () => {},
  draining: (nc) => {
    nc.drain();
  },
  reconnecting: async (nc) => {
    await nc.reconnect();
    while ((nc as unknown as { protocol: { connected: boolean } }).protocol.connected) await sleep(1);
  },
  closing: (nc) => {
    nc.close();
  },
  closed: (nc) => nc.close(),
};

const methods: Record<string, (nc: Client) => unknown> = {
  drain: (nc) => nc.drain(),
  flush: (nc) => nc.flush(),
  rtt: (nc) => nc.rtt(),
  reconnect: (nc) => nc.reconnect(),
  close: (nc) => nc.close(),
  dispose: (nc) => (nc as { [Symbol.asyncDispose]?: () => unknown })[Symbol.asyncDispose]?.(),
  "subscription's drain": (nc) => subscriptions.get(nc)?.drain(),
};

const subscriptions = new Map<Client, ReturnType<Client["subscribe"]>>();

if (state === "connecting") await ignoreBackground();
else for (const [name, call] of Object.entries(methods)) await ignore(name, call);

async function ignore(name: string, call: (nc: Client) => unknown): Promise<void> {
  console.log(`${state}: ${name}`);
  const nc = await connect({ servers: server, reconnectDelayHandler: () => 10_000 });
  subscriptions.set(nc, nc.subscribe("news"));
  await states[state]?.(nc);
  call(nc);
  call(nc);
  if (state !== "busy") await sleep(20);
  await nc.close();
  call(nc);
  await sleep(20);
}

async function ignoreBackground(): Promise<void> {
  const client = await connect({ servers: deadServer, connectInBackground: true });
  client.close();
  client.close();
  client[Symbol.asyncDispose]();
  await sleep(50);
  const second = await connect({ servers: deadServer, connectInBackground: true, connectDeadlineMs: 20 });
  await sleep(100);
  console.log(`connecting: ${second.state}`);
}
