import { isIP } from "node:net";
import type { ProtocolHandler, ServerInfo, ServersChanged } from "@nats-io/transport-node";
import { parseTarget } from "../core/target.ts";
import { type ConfiguredServer, readServers, type Userinfo } from "./servers.ts";

type Servers = ProtocolHandler["servers"];
export type PoolServer = ReturnType<Servers["getCurrentServer"]>;

/** Entries of one INFO's `connect_urls` that are read; further ones are ignored. */
export const maxDiscovered = 1024;

/** What the library keeps private. */
interface Internals {
  currentServer: PoolServer | undefined;
  firstSelect: boolean;
  /** The name by which the first TLS server was reached. */
  readonly tlsName: string;
}

/**
 * The library's pool of servers with the userinfo of each, which the library does not know. Servers are compared by the
 * `host:port` that the library makes of them. The library's own way applies a rewriting that `wsconnect` sets for the whole
 * process, under which a server that the pool has looks like a new one.
 */
export class ServerPool {
  readonly #servers: Servers;
  readonly #randomize: boolean;
  readonly #userinfo = new WeakMap<object, Userinfo>();

  constructor(servers: Servers, configured: readonly ConfiguredServer[], randomize: boolean) {
    this.#servers = servers;
    this.#randomize = randomize;
    servers.update = (info) => this.#discover(info);
    // New in nats-core 3.4.
    if (servers.setServers !== undefined) {
      servers.setServers = (list) => this.#configure(readServers(list, undefined).servers, servers.getServers());
    }
    this.#configure(configured, []);
  }

  /** The credentials of the server's own URL, or of the server that told of it. */
  userinfoOf(server: object): Userinfo | undefined {
    return this.#userinfo.get(server);
  }

  #configure(configured: readonly ConfiguredServer[], present: readonly PoolServer[]): void {
    const surviving = new Map(present.map((each) => [each.listen, each]));
    const pool = configured.map(({ address, userinfo }) => {
      const made = this.#make(address, false);
      const server = surviving.get(made.listen) ?? made;
      surviving.delete(made.listen);
      server.gossiped = false;
      this.#setUserinfo(server, userinfo);
      return server;
    });
    const internals = this.#servers as unknown as Internals;
    this.#replace(this.#randomize ? shuffled(pool) : pool);
    if (internals.currentServer !== undefined && pool.includes(internals.currentServer)) return;
    internals.currentServer = this.#servers.getServers()[0];
    internals.firstSelect = true;
  }

  /** Brings the pool up to date with the servers that an INFO names. In time linear in the two. */
  #discover(info: ServerInfo): ServersChanged {
    const named = this.#named(info.connect_urls);
    // As in Go: a server that does not advertise says nothing of those that others have told of.
    if (named.size === 0) return { added: [], deleted: [] };
    const current = this.#servers.getCurrentServer();
    const deleted: string[] = [];
    const pool: PoolServer[] = [];
    for (const each of this.#servers.getServers()) {
      if (each.gossiped && each !== current && !named.has(each.listen)) deleted.push(each.listen);
      else pool.push(each);
    }
    for (const { listen } of pool) named.delete(listen);
    for (const server of named.values()) this.#setUserinfo(server, this.#userinfo.get(current));
    pool.push(...named.values());
    this.#replace(this.#randomize && named.size > 0 ? shuffledBehind(current, pool) : pool);
    return { added: [...named.keys()], deleted };
  }

  /** The servers that can be dialed, by `host:port`. A server may send anything in place of the list. */
  #named(urls: unknown): Map<string, PoolServer> {
    const named = new Map<string, PoolServer>();
    for (const url of Array.isArray(urls) ? urls.slice(0, maxDiscovered) : []) {
      const server = this.#discovered(url);
      if (server !== undefined) named.set(server.listen, server);
    }
    return named;
  }

  #discovered(url: unknown): PoolServer | undefined {
    if (typeof url !== "string") return undefined;
    try {
      const target = parseTarget(`nats://${url}`);
      return target.path === undefined ? this.#make(target.toString(), true) : undefined;
    } catch {
      return undefined;
    }
  }

  #make(address: string, discovered: boolean): PoolServer {
    const ServerImpl = this.#servers.getCurrentServer().constructor as new (
      url: string,
      gossiped: boolean,
    ) => PoolServer;
    const server = new ServerImpl(address, discovered);
    if (discovered && isIP(server.hostname)) server.tlsName = (this.#servers as unknown as Internals).tlsName;
    return server;
  }

  #setUserinfo(server: PoolServer, userinfo: Userinfo | undefined): void {
    if (userinfo === undefined) this.#userinfo.delete(server);
    else this.#userinfo.set(server, userinfo);
  }

  /** In place: the library hands out its array. */
  #replace(pool: readonly PoolServer[]): void {
    const servers = this.#servers.getServers();
    servers.length = 0;
    for (const each of pool) servers.push(each);
  }
}

/** The server in use stays in front; the order of the others spreads clients over the cluster. */
function shuffledBehind(current: PoolServer, pool: readonly PoolServer[]): readonly PoolServer[] {
  const others = shuffled(pool.filter((each) => each !== current));
  return others.length === pool.length ? others : [current, ...others];
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((each) => ({ each, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ each }) => each);
}
