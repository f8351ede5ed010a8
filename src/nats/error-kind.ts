import type { ClientErrorKind } from "../client/client-trace.ts";
import { isError } from "../support/is-error.ts";

interface Details {
  readonly code?: unknown;
  readonly operation?: unknown;
  readonly permissionContext?: { readonly operation?: unknown } | undefined;
}

/** Returns the kind of an error that a server has reported. Compares names: a process may hold several copies of the client. */
export function errorKind(error: unknown): ClientErrorKind {
  if (!isError(error)) return "other";
  const { code, permissionContext, operation = permissionContext?.operation } = error as Details;
  // Neither client library recognizes this message.
  if (/authentication revoked/i.test(error.message)) return "auth";
  // All errors of `nats` 2.x have one class.
  switch (error.name === "NatsError" ? code : error.name) {
    case "PermissionViolationError":
    case "PERMISSIONS_VIOLATION":
      return operation === "subscription" ? "permission_subscribe" : "permission_publish";
    case "AuthorizationError":
    case "UserAuthenticationExpiredError":
    case "AUTHORIZATION_VIOLATION":
    case "AUTHENTICATION_TIMEOUT":
    case "AUTHENTICATION_EXPIRED":
    case "ACCOUNT_EXPIRED":
      return "auth";
    case "ProtocolError":
    case "NATS_PROTOCOL_ERR":
      return "protocol";
    default:
      return "other";
  }
}
