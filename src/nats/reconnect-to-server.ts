import type { ConnectionOptions, ProtocolHandler, ServerInfo } from "@nats-io/transport-node";
import { DialError, messageOf } from "../core/errors.ts";
import { checkDuration, show } from "../core/validate.ts";
import { refusePromise } from "./refuse-promise.ts";

type Servers = ProtocolHandler["servers"];
type PoolServer = ReturnType<Servers["getCurrentServer"]>;

/** What upstream's `reconnectToServer` may return. */
interface Choice {
  readonly server?: unknown;
  readonly delay?: unknown;
  readonly listen?: unknown;
}

/**
 * Asks the user's `reconnectToServer`, where there is one, which server is dialed in place of `server`, and after
 * how many milliseconds.
 *
 * @throws DialError `config`, which ends the client, when it throws, or returns neither `null`, nor a server of the
 * pool, nor `{ server, delay }`.
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
    const choice: unknown = reconnectToServer(servers.snapshotForHandler(), info ?? null);
    refusePromise("reconnectToServer", "a server of the pool or null", choice);
    if (choice === null) return { server, delayMs: 0 };
    return readChoice(choice as Choice, servers, server);
  } catch (cause) {
    const message = `connect: client option reconnectToServer handler failed: ${messageOf(cause)}`;
    throw new DialError(message, { reason: "config", cause });
  }
}

function readChoice(choice: Choice | undefined, servers: Servers, server: PoolServer) {
  const delayed = choice?.server !== undefined && "delay" in choice;
  const delayMs = delayed ? (choice.delay ?? 0) : 0;
  checkDuration("reconnectToServer's delay", delayMs, 0);
  const chosen = delayed ? (choice.server as Choice | null) : choice;
  if (chosen === null) return { server, delayMs: delayMs as number };
  const found = servers.getServers().find((each) => each.listen === chosen?.listen);
  if (found === undefined) throw new TypeError(`returned server is not in the pool: ${show(choice)}`);
  return { server: found, delayMs: delayMs as number };
}
