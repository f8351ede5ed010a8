import type { ConnectionOptions, ProtocolHandler, ServerInfo } from "@nats-io/transport-node";
import { DialError } from "../core/errors.ts";
import { messageOf } from "../support/message.ts";
import { returnedWait, wrongReturn } from "../support/returned.ts";

type Servers = ProtocolHandler["servers"];
type PoolServer = ReturnType<Servers["getCurrentServer"]>;

/** Return value of the library's `reconnectToServer`. */
interface Choice {
  readonly server?: unknown;
  readonly delay?: unknown;
  readonly listen?: unknown;
}

/**
 * Calls the user's `reconnectToServer`, if any, which may replace `server` and delay the dial.
 *
 * @throws DialError `config`, which ends the client, if it throws or returns neither `null`, nor a server of the pool, nor
 * `{ server, delay }`.
 */
export function pickServer(
  { reconnectToServer }: ConnectionOptions,
  servers: Servers,
  info: ServerInfo | undefined,
  server: PoolServer,
): { server: PoolServer; delayMs: number } {
  // New in nats-core 3.4; older clients ignore it.
  if (typeof reconnectToServer !== "function" || servers.snapshotForHandler === undefined)
    return { server, delayMs: 0 };
  try {
    return readChoice(reconnectToServer(servers.snapshotForHandler(), info ?? null), servers, server);
  } catch (cause) {
    const message = `connect: client option reconnectToServer handler failed: ${messageOf(cause)}`;
    throw new DialError(message, { reason: "config", cause });
  }
}

function readChoice(choice: unknown, servers: Servers, server: PoolServer): { server: PoolServer; delayMs: number } {
  const { server: delayed, delay } = (choice ?? {}) as Choice;
  const delayMs = delay === undefined ? 0 : returnedWait("connect: reconnectToServer's delay", delay);
  const chosen = delayed === undefined ? choice : delayed;
  if (chosen === null) return { server, delayMs };
  const found = servers.getServers().find((each) => each.listen === (chosen as Choice | undefined)?.listen);
  if (found !== undefined) return { server: found, delayMs };
  throw wrongReturn("connect: reconnectToServer", "must return null or a server that is in the pool", choice);
}
