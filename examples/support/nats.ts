import { writeFileSync } from "node:fs";
import { join } from "node:path";
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
  /** Starts another node, which the others tell their clients of. */
  add(name: string): Promise<NatsServer>;
  /** Name of the node that clients reach at `address`. */
  nameOf(address: string): string;
}

/** A cluster, at first without nodes. */
export function newCluster(): Cluster {
  const nodes: NatsServer[] = [];
  const routes: string[] = [];
  return {
    async add(name) {
      const address = `127.0.0.1:${await freePort()}`;
      routes.push(`nats://${address}`);
      const node = await prepareNats(name, `cluster { name: example, listen: "${address}", routes: [${routes}] }`);
      nodes.push(node); // Clients may hear of it before it says that it is up.
      await node.start();
      return node;
    },
    nameOf: (address) => nodes.find((node) => node.address === address)?.name ?? address,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  };
}
