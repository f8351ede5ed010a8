import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../demo/listen.ts";
import { findNatsServer, natsProcess } from "../demo/nats-process.ts";
import type { NatsServer } from "../demo/nats-server.ts";
import { temporaryFolder } from "./folder.ts";
import { isMissing } from "./needs.ts";

/** Starts a nats-server on a free port of loopback; `config` is the text of its configuration file. */
export async function startNats(name: string, config = ""): Promise<NatsServer> {
  const server = await prepareNats(name, config);
  await server.start();
  return server;
}

/** The same, not yet started. */
async function prepareNats(name: string, config: string): Promise<NatsServer> {
  if ((await findNatsServer()) === undefined) {
    isMissing("nats-server on the PATH (https://nats.io/download; Debian puts it in /usr/sbin)");
  }
  const file = join(temporaryFolder(), "server.conf");
  writeFileSync(file, `server_name: ${name}\n${config}`);
  const server = natsProcess(`nats-server ${name}`, await freePort(), ["--config", file]);
  return {
    ...server,
    name,
    async start() {
      const told = await server.start();
      console.log(`server  ${told}`);
      return told;
    },
    async stop() {
      console.log(`server  nats-server ${name} goes down`);
      await server.stop();
    },
  };
}

/** Servers with routes to each other. */
export interface Cluster extends AsyncDisposable {
  /** Starts another node, which the others then tell their clients of, and has it find them all. */
  add(name: string): Promise<NatsServer>;
  /** Name of the node that clients reach at `address`. */
  nameOf(address: string): string;
}

/** A cluster, at first without nodes. */
export function newCluster(): Cluster {
  const nodes: NatsServer[] = [];
  const routes: string[] = [];
  const monitors: string[] = [];

  /** How many others each node that runs has a route to. */
  async function peers(): Promise<number[]> {
    const counts = await Promise.allSettled(monitors.map(peersOf));
    return counts.flatMap((count) => (count.status === "fulfilled" ? [count.value] : []));
  }

  /**
   * Until every node has a route to every other, what they tell their clients doesn't last: where two
   * have opened routes to each other, one is closed, and both forget each other for a moment.
   */
  async function formed(): Promise<void> {
    for (let counts = await peers(); counts.some((count) => count < counts.length - 1); counts = await peers()) {
      await sleep(20);
    }
  }

  return {
    async add(name) {
      const [address, monitor] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
      routes.push(`nats://${address}`);
      monitors.push(`http://${monitor}/routez`);
      const cluster = `cluster { name: example, listen: "${address}", routes: [${routes}] }`;
      const node = await prepareNats(name, `http: "${monitor}"\n${cluster}`);
      nodes.push(node); // Clients may hear of it before it says that it is up.
      await node.start();
      await formed();
      return node;
    },
    nameOf: (address) => nodes.find((node) => node.address === address)?.name ?? address,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  };
}

/** Newer servers keep several routes to one peer. */
async function peersOf(monitor: string): Promise<number> {
  const { routes } = (await (await fetch(monitor)).json()) as { routes: { remote_id: string }[] };
  return new Set(routes.map((route) => route.remote_id)).size;
}
