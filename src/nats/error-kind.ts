import { errors } from "@nats-io/transport-node";
import type { ClientErrorKind } from "../core/client-trace.ts";

/** What a server has complained of. */
export function errorKind(error: unknown): ClientErrorKind {
  if (error instanceof errors.PermissionViolationError) {
    return error.operation === "publish" ? "permission_publish" : "permission_subscribe";
  }
  if (error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError)
    return "auth";
  return error instanceof errors.ProtocolError ? "protocol" : "other";
}
