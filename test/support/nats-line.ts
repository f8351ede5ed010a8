import * as plain3 from "@nats-io/transport-node";
import * as plain2 from "nats";
import type { NatsLibrary } from "../../src/nats/nats-library.ts";
import { nats2 } from "../../src/nats/nats-library-v2.ts";
import { transportNode } from "../../src/nats/nats-library-v3.ts";
import * as ours3 from "../../src/nats.ts";
import * as ours2 from "../../src/nats-v2.ts";

/** Whether `DIALTRACE_NATS_LINE=v2` selects the older client, `nats` 2.x, instead of transport-node. */
export const isV2 = process.env.DIALTRACE_NATS_LINE === "v2";

/** The `connect` under test. The tests use only members of a connection that both clients have. */
export const connect = isV2 ? (ours2.connect as unknown as typeof ours3.connect) : ours3.connect;

/** The `describe` under test. */
export const describeConnect = isV2 ? (ours2.describe as unknown as typeof ours3.describe) : ours3.describe;

/** Whether the client has `setServers` and `reconnectToServer`: transport-node from 3.4 on. */
export const choosesServers = !isV2 && "setServers" in transportNode.Connection.prototype;

/** The `connect` of the client library itself. */
export const stockConnect = isV2 ? (plain2.connect as unknown as typeof plain3.connect) : plain3.connect;

/** The adapter of the client library under test. */
export const library: NatsLibrary = isV2 ? nats2 : transportNode;

/** Error classes of transport-node by the codes of `nats` 2.x, which has one error class. */
const classOf: Readonly<Record<string, string>> = {
  AUTHORIZATION_VIOLATION: "AuthorizationError",
  AUTHENTICATION_EXPIRED: "UserAuthenticationExpiredError",
  PERMISSIONS_VIOLATION: "PermissionViolationError",
  CONNECTION_CLOSED: "ClosedConnectionError",
};

/** The class name of an error of either client, as transport-node names it. */
export function errorName(error: unknown): string {
  const { name, code = "" } = error as { name: string; code?: string };
  return name === "NatsError" ? (classOf[code] ?? code) : name;
}
