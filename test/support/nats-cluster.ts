import { readFileSync } from "node:fs";
import { join } from "node:path";
import { areJoined } from "../../examples/support/routes.ts";
import { type NatsServer, natsServer } from "./nats-server.ts";
import { freePort } from "./peers.ts";
import { removeFolder, temporaryFolder } from "./temporary.ts";

export interface NatsClusterOptions {
  /** @defaultValue 3 */
  readonly nodes?: number;
  /** Whether the nodes store streams, each in its own folder that survives restarts. */
  readonly jetStream?: boolean;
  /** Additional lines of every node's configuration. */
  readonly config?: string;
}

/** One server of a cluster: `n1`, `n2` and so on. */
export interface ClusterNode extends NatsServer {
  readonly name: string;
  /** The server's log, across restarts. */
  readonly logFile: string;
  /** Reads the monitoring port, such as `monitor("/varz")`. */
  monitor<T = Record<string, unknown>>(path: string): Promise<T>;
}

/** A cluster of real nats-servers on loopback. Nodes are numbered from 0. */
export interface NatsCluster {
  readonly nodes: readonly ClusterNode[];
  /** Address of every node, running or not. */
  readonly addresses: string[];
  /** Starts another node; resolves when the others know it. */
  addNode(): Promise<ClusterNode>;
  kill(node: number, signal?: NodeJS.Signals): Promise<void>;
  /** Shuts down one node or all nodes. */
  stop(node?: number): Promise<void>;
  /** Restarts a stopped node with its ports and its store. Does not wait for the others. */
  restart(node: number): Promise<void>;
  freeze(node: number): Promise<void>;
  thaw(node: number): Promise<void>;
  /** Waits until all running nodes have their routes to each other, announce each other to clients, and streams have a leader. */
  formed(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Node extends ClusterNode {
  readonly routePort: number;
  readonly monitorUrl: string;
  readonly folder: string;
  frozen: boolean;
}

/** Starts a cluster and waits until it has formed. */
export async function startCluster(options: NatsClusterOptions = {}): Promise<NatsCluster> {
  const { nodes: size = 3 } = options;
  const nodes: Node[] = [];
  const nodeAt = (index: number): Node => {
    const node = nodes[index];
    if (node === undefined) throw new RangeError(`the cluster has no node ${index}`);
    return node;
  };
  const running = () => nodes.filter((each) => each.pid !== undefined && !each.frozen);

  const cluster: NatsCluster = {
    nodes,
    get addresses() {
      return nodes.map((each) => each.address);
    },
    async addNode() {
      const node = await makeNode(
        `n${nodes.length + 1}`,
        nodes.map((each) => each.routePort),
        options,
      );
      nodes.push(node);
      await node.start();
      await cluster.formed();
      return node;
    },
    async kill(index, signal = "SIGKILL") {
      const node = nodeAt(index);
      node.frozen = false;
      await node.stop(signal);
    },
    async stop(index) {
      const leaving = index === undefined ? nodes : [nodeAt(index)];
      // A frozen process would not receive the signal.
      await Promise.all(leaving.filter((each) => each.frozen).map((each) => cluster.thaw(nodes.indexOf(each))));
      await Promise.all(leaving.map((each) => each.stop("SIGTERM")));
    },
    restart: (index) => nodeAt(index).start(),
    async freeze(index) {
      const node = nodeAt(index);
      await node.freeze();
      node.frozen = true;
    },
    async thaw(index) {
      const node = nodeAt(index);
      await node.thaw();
      node.frozen = false;
    },
    async formed() {
      const expected = running();
      await eventually("the nodes are joined", () => areJoined(expected.map((each) => each.monitorUrl)));
      if (!options.jetStream) return;
      for (const node of expected)
        await eventually(`${node.name} knows the leader of streams`, () => knowsLeader(node));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((each) => each[Symbol.asyncDispose]()));
      for (const { folder } of nodes) removeFolder(folder);
    },
  };

  try {
    const ports = await Promise.all(Array.from({ length: size }, freePort));
    for (const [index, port] of ports.entries()) {
      nodes.push(await makeNode(`n${index + 1}`, ports, options, port));
    }
    await Promise.all(nodes.map((each) => each.start()));
    await cluster.formed();
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  return cluster;
}

async function makeNode(
  name: string,
  routePorts: readonly number[],
  { jetStream = false, config = "" }: NatsClusterOptions,
  routePort?: number,
): Promise<Node> {
  const [ownRoutePort, monitorPort] = [routePort ?? (await freePort()), await freePort()];
  const monitorUrl = `http://127.0.0.1:${monitorPort}`;
  const folder = temporaryFolder();
  const logFile = join(folder, "server.log");
  const routes = routePorts.map(routeUrl).join();
  const args = [
    ...["--name", name, "--http_port", String(monitorPort), "--log", logFile],
    ...["--cluster_name", "dialtrace", "--cluster", routeUrl(ownRoutePort), "--routes", routes],
    ...(jetStream ? ["--jetstream", "--store_dir", join(folder, "store")] : []),
  ];
  const server = await natsServer(args, config);
  const node = {
    name,
    folder,
    logFile,
    routePort: ownRoutePort,
    frozen: false,
    monitorUrl,
    async monitor<T>(path: string): Promise<T> {
      const response = await fetch(`${monitorUrl}${path}`, { headers: { connection: "close" } });
      return (await response.json()) as T;
    },
  };
  // Not a copy, because `pid` is a getter.
  Object.defineProperties(node, Object.getOwnPropertyDescriptors(server));
  return Object.assign(node as typeof node & NatsServer, {
    async start() {
      try {
        await server.start();
      } catch (error) {
        const written = readFileSync(logFile, "utf8").split("\n").slice(-20).join("\n");
        throw new Error(`${name} did not start: ${error}\n${written}`);
      }
    },
  });
}

function routeUrl(port: number): string {
  return `nats://127.0.0.1:${port}`;
}

async function knowsLeader(node: ClusterNode): Promise<boolean> {
  const { meta_cluster: meta } = await node.monitor<{ meta_cluster?: { leader?: string } }>("/jsz");
  return (meta?.leader ?? "") !== "";
}

async function eventually(what: string, condition: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`timed out after ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
