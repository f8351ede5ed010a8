import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { classify } from "../core/classify.ts";
import { formatAddress } from "../core/format.ts";
import { ClientConnection, type ConnectionSettings, report } from "./client-connection.ts";
import { listening } from "./listening.ts";
import { type BridgeListenOptions, type Place, placeOf } from "./place.ts";
import { listenOnPath } from "./socket-file.ts";

/** What {@link bridge} and {@link proxyServer} return: it may listen in several places. */
export interface Bridge {
  /**
   * Starts a server, on a free port of loopback by default. The server keeps the process alive until it is closed.
   *
   * @throws RangeError or TypeError if an option is invalid; the system's error if it cannot listen, such as one with
   * the code `EADDRINUSE`.
   */
  listen(options?: BridgeListenOptions): Promise<BridgeServer>;
}

/** A listening server of {@link Bridge.listen}. */
export interface BridgeServer extends AsyncDisposable {
  /** Where clients connect: `127.0.0.1:6379`, `[::1]:6379` or `unix:/run/app/redis.sock`. */
  readonly address: string;
  /** IP address of the server; empty for a unix socket. */
  readonly host: string;
  /** TCP port of the server; 0 for a unix socket. */
  readonly port: number;
  /** Absolute path of the unix socket; `undefined` otherwise. */
  readonly path: string | undefined;
  /** Number of open client connections, including those whose dial is in progress. */
  readonly connections: number;
  /** Resolves when the server is closed and no connection is left. */
  readonly closed: Promise<void>;
  /** Closes the server gracefully: accepts no more clients, and resolves when the last connection has ended. */
  drain(): Promise<void>;
  /** Closes the server, cancels its dials and resets its connections. Called by `await using`. May be called more than once. */
  close(): Promise<void>;
}

/**
 * Maximum number of clients that wait to be accepted. The kernel lowers it to its own maximum; further connects to a unix
 * socket fail.
 */
const backlog = 4096;

/** Milliseconds without traffic after which a TCP client is probed, as for dialed connections. */
const keepAliveInitialDelay = 15_000;

/** Starts a server. */
export async function startServer<C extends Duplex>(
  settings: ConnectionSettings<C>,
  options: BridgeListenOptions,
): Promise<BridgeServer> {
  const factory = `${settings.factory}.listen`;
  const place = await placeOf(factory, options);
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay });
  const started = new ForwardingServer(server, settings, place);
  // The file or port belongs to this process, also in a worker of a cluster.
  const common = { backlog, exclusive: true };
  if ("path" in place) {
    await listenOnPath(server, factory, { ...common, path: place.path });
  } else {
    server.listen({ ...common, host: place.host, port: place.port });
    await listening(server);
  }
  // Node emits an error for each client that it cannot accept.
  server.on("error", (error) =>
    report(settings, error, { phase: "accept", reason: classify(error), target: undefined }),
  );
  return started;
}

class ForwardingServer<C extends Duplex> implements BridgeServer {
  readonly closed: Promise<void>;
  readonly #server: Server;
  readonly #place: Place;
  readonly #clients = new Set<ClientConnection<C>>();
  #address: AddressInfo | undefined;

  constructor(server: Server, settings: ConnectionSettings<C>, place: Place) {
    this.#server = server;
    this.#place = place;
    server.on("connection", (client: Socket) => this.#accept(client, settings));
    server.once("listening", () => {
      const bound = server.address();
      if (typeof bound === "object" && bound !== null) this.#address = bound;
    });
    const stopped = new Promise<void>((resolve) => server.once("close", resolve));
    this.closed = stopped.then(async () => {
      await Promise.all([...this.#clients].map(({ ended }) => ended));
    });
  }

  get address(): string {
    const { path, host, port } = this;
    if (path !== undefined) return formatAddress({ address: path, port: 0, family: "unix" });
    return formatAddress({ address: host, port, family: host.includes(":") ? "ipv6" : "ipv4" });
  }

  get host(): string {
    return this.#address?.address ?? "";
  }

  get port(): number {
    return this.#address?.port ?? 0;
  }

  get path(): string | undefined {
    return "path" in this.#place ? this.#place.path : undefined;
  }

  get connections(): number {
    return this.#clients.size;
  }

  drain(): Promise<void> {
    if (this.#server.listening) this.#server.close();
    return this.closed;
  }

  close(): Promise<void> {
    const closed = this.drain();
    for (const client of [...this.#clients]) client.abort();
    return closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(client: Socket, settings: ConnectionSettings<C>): void {
    const connection = new ClientConnection(client, settings, this);
    this.#clients.add(connection);
    connection.ended.then(() => this.#clients.delete(connection));
  }
}
