import type { ClientErrorKind } from "../core/client-trace.ts";

/** The kind of an error that a server has reported. By name, for a process may hold several copies of nats-core. */
export function errorKind(error: unknown): ClientErrorKind {
  if (!(error instanceof Error)) return "other";
  switch (error.name) {
    case "PermissionViolationError":
      return (error as { operation?: unknown }).operation === "subscription"
        ? "permission_subscribe"
        : "permission_publish";
    case "AuthorizationError":
    case "UserAuthenticationExpiredError":
      return "auth";
    case "ProtocolError":
      return "protocol";
    default:
      return "other";
  }
}
