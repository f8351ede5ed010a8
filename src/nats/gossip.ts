import type { ProtocolHandler, ServerInfo, ServersChanged } from "@nats-io/transport-node";

type Servers = ProtocolHandler["servers"];

/**
 * Brings the pool up to date with the servers that an INFO names, as upstream does, but by `host:port`.
 * Upstream compares them after a rewriting that `wsconnect` sets for the whole process, under which a
 * server that the pool has looks like a new one.
 */
export function mergeGossip(servers: Servers, info: ServerInfo, randomize: boolean): ServersChanged {
  const named = (info.connect_urls ?? []).map((url) => url.toLowerCase());
  const current = servers.getCurrentServer();
  const pool = servers.getServers();
  const deleted = pool.filter((each) => each.gossiped && each !== current && !named.includes(each.listen));
  for (const each of deleted) servers.removeServer(each);
  const added = named.filter((url) => !pool.some((each) => each.listen === url));
  for (const url of added) servers.addServer(url, true);
  if (randomize && added.length > 0) {
    // The one in use stays in front: the turn is that of those behind it.
    const others = pool.filter((each) => each !== current);
    pool.splice(0, pool.length, ...(pool.includes(current) ? [current] : []), ...shuffled(others));
  }
  return { added, deleted: deleted.map((each) => each.listen) };
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((each) => ({ each, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ each }) => each);
}
