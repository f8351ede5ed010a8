import type { Status } from "@nats-io/transport-node";

/** A status of `nats` 2.x: whatever it tells stands in one field, and of an error only the code. */
interface OlderStatus {
  readonly type: string;
  readonly data: unknown;
  readonly permissionContext?: unknown;
}

/** Reads a status in nats-core's words, whichever line of the client has said it. */
export function readStatus(status: { readonly type: string }): Status {
  return "data" in status ? translated(status as OlderStatus) : (status as Status);
}

function translated({ type, data, permissionContext }: OlderStatus): Status {
  switch (type) {
    case "client initiated reconnect":
      return { type: "forceReconnect" };
    case "update":
      return { type, ...(data as { added?: string[]; deleted?: string[] }) };
    case "error": {
      const error = Object.assign(new Error(String(data)), { name: "NatsError", code: data, permissionContext });
      return { type, error };
    }
    default:
      return { type, server: data } as Status;
  }
}
