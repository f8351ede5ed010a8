import { isIP } from "node:net";
import type { ProtocolHandler, ServerInfo, ServersChanged } from "@nats-io/transport-node";
import { parseTarget } from "../core/target.ts";
import { type ConfiguredServer, readServers, type Userinfo } from "./servers.ts";

type Servers = ProtocolHandler["servers"];
/** A server in the library's pool. */
export type PoolServer = ReturnType<Servers["getCurrentServer"]>;

/** Maximum number of `connect_urls` read from one INFO; further ones are ignored. */
export const maxDiscovered = 1024;

/** Private members of the library's pool. */
interface Internals {
  currentServer: PoolServer | undefined;
  firstSelect: boolean;
  /** Host name of the first TLS server. */
  readonly tlsName: string;
}

/**
 * The library's pool of servers, extended with the userinfo of each server. Servers are compared by the library's own
 * `host:port` form. The library's comparison applies a rewriting that `wsconnect` sets for the whole process, which makes
 * servers of the pool look new.
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

  /** The credentials in the URL of the server, or of the server that announced it. */
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

  /** Updates the pool with the servers of an INFO, in linear time. */
  #discover(info: ServerInfo): ServersChanged {
    const named = this.#named(info.connect_urls);
    // As in Go: an INFO without servers does not remove those that other servers have announced.
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

  /** Servers of the list that can be dialed, by `host:port`. The list comes from the server and may be anything. */
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

  /** Replaces the content of the array in place, because the library shares it. */
  #replace(pool: readonly PoolServer[]): void {
    const servers = this.#servers.getServers();
    servers.length = 0;
    for (const each of pool) servers.push(each);
  }
}

/** Keeps the current server first. The random order of the others spreads clients over the cluster. */
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
