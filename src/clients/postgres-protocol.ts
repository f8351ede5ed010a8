import { classify } from "../core/classify.ts";
import type { Reason } from "../core/reasons.ts";
import type { ClientProtocol } from "./handshake-dial.ts";

/** Reasons of the errors with which PostgreSQL refuses a client, by SQLSTATE or its first characters. */
const bySqlState: readonly (readonly [prefix: string, reason: Reason])[] = [
  ["28", "auth_failed"],
  ["53", "server_limit"],
  // The server shuts down or starts.
  ["57P", "handshake_closed"],
  // No such database.
  ["3D", "config"],
  ["08P", "protocol"],
  ["0A", "protocol"],
];

/**
 * The protocol of PostgreSQL, and the reasons of its errors.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export const postgresProtocol: ClientProtocol = { name: "postgresql", reasonOf };

function reasonOf(error: Error): Reason | undefined {
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  const found = typeof code === "string" && bySqlState.find(([prefix]) => code.startsWith(prefix) && code.length === 5);
  if (found) return found[1];
  // The client cannot log in with its options, for example without a password.
  if (message.startsWith("SASL")) return "auth_failed";
  if (/SSL/.test(message) && code === undefined) return "tls_protocol";
  const reason = classify(error);
  return reason === "canceled" || reason === "_OTHER" ? undefined : reason;
}
