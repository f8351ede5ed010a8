import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../demo/free-port.ts";
import { findNatsServer, natsProcess } from "../demo/nats-process.ts";
import type { NatsServer } from "../demo/nats-server.ts";
import { temporaryFolder } from "./folder.ts";
import { isMissing } from "./needs.ts";
import { areJoined } from "./routes.ts";

/** Starts a nats-server on a free port of loopback. `config` is added to its configuration file. */
export async function startNats(name: string, config = ""): Promise<NatsServer> {
  const server = await prepareNats(name, config);
  await server.start();
  return server;
}

/** Like {@link startNats}, without starting the server. */
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
      const line = await server.start();
      console.log(`server  ${line}`);
      return line;
    },
    async stop() {
      console.log(`server  nats-server ${name} goes down`);
      await server.stop();
    },
  };
}

/** A cluster of nats-servers. */
export interface Cluster extends AsyncDisposable {
  /** Starts another node and waits until all nodes have their routes to each other and announce each other to their clients. */
  add(name: string): Promise<NatsServer>;
  /** Name of the node at `address`. */
  nameOf(address: string): string;
}

/** Creates a cluster without nodes. */
export function newCluster(): Cluster {
  const nodes: NatsServer[] = [];
  const routes: string[] = [];
  const monitors: string[] = [];

  /** The monitoring ports of the running nodes. */
  async function running(): Promise<string[]> {
    const ask = (monitor: string) => fetch(monitor, { method: "HEAD", headers: { connection: "close" } });
    const answers = await Promise.allSettled(monitors.map(ask));
    return monitors.filter((_, index) => answers[index]?.status === "fulfilled");
  }

  async function formed(): Promise<void> {
    while (!(await areJoined(await running()))) await sleep(20);
  }

  return {
    async add(name) {
      const [address, monitor] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
      routes.push(`nats://${address}`);
      monitors.push(`http://${monitor}`);
      const cluster = `cluster { name: example, listen: "${address}", routes: [${routes}] }`;
      const node = await prepareNats(name, `http: "${monitor}"\n${cluster}`);
      nodes.push(node); // The other nodes may announce it before it is up.
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
