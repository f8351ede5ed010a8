/** A nats-server as its monitoring port describes it. */
interface Node {
  readonly server_id: string;
  /** Where the server listens for clients. */
  readonly host: string;
  readonly port: number;
  /** Addresses that the server announces to its clients, its own among them. A server without routes announces none. */
  readonly connect_urls?: readonly string[];
  readonly cluster: {
    readonly cluster_port: number;
    /** Number of routes to each other node; servers before 2.10 have one. */
    readonly pool_size?: number;
  };
  readonly routes: readonly Route[];
}

interface Route {
  readonly remote_id: string;
  /**
   * The other end's port: where it listens for routes, if this end dialed. `did_solicit` is not reliable: a server may
   * also set it for a route that it has accepted.
   */
  readonly port: number;
  /** The only account of the route, if it has one of its own. */
  readonly account?: string;
}

/**
 * Reports whether every node has all its routes to every other, and announces every other and no more to its clients.
 * `monitors` are the URLs of the nodes' monitoring ports. Routes of a single account, such as `$SYS`, are not counted.
 *
 * One route is not enough: when two nodes dial each other at once, each may close the other's route as a duplicate. Both
 * then withdraw each other's address from their clients, and announce it again when one has dialed anew.
 */
export async function areJoined(monitors: readonly string[]): Promise<boolean> {
  const nodes = await Promise.all(monitors.map(readNode));
  return nodes.every(
    (one) =>
      (one.connect_urls?.length ?? 1) === nodes.length &&
      nodes.every((other) => one === other || (announces(one, other) && haveRoutes(one, other))),
  );
}

async function readNode(monitor: string): Promise<Node> {
  const [server, { routes }] = await Promise.all([read(`${monitor}/varz`), read(`${monitor}/routez`)]);
  return { ...server, routes };
}

async function read(url: string): Promise<Node> {
  const response = await fetch(url, { headers: { connection: "close" } });
  return (await response.json()) as Node;
}

function announces(one: Node, other: Node): boolean {
  return one.connect_urls?.includes(`${other.host}:${other.port}`) === true;
}

/** Whether both ends count the same routes between them, as many as configured. */
function haveRoutes(one: Node, other: Node): boolean {
  const { dialed, accepted } = routesTo(one, other);
  const opposite = routesTo(other, one);
  const isSame = dialed === opposite.accepted && accepted === opposite.dialed;
  return isSame && dialed + accepted === (one.cluster.pool_size ?? 1);
}

/** Counts the routes of `from` to `to` for all accounts. */
function routesTo(from: Node, to: Node): { dialed: number; accepted: number } {
  const routes = from.routes.filter(({ remote_id, account }) => remote_id === to.server_id && account === undefined);
  const dialed = routes.filter(({ port }) => port === to.cluster.cluster_port).length;
  return { dialed, accepted: routes.length - dialed };
}
