import type { Status } from "@nats-io/transport-node";

/** A status of `nats` 2.x. All details are in `data`; of an error only the code. */
interface OlderStatus {
  readonly type: string;
  readonly data: unknown;
  readonly permissionContext?: unknown;
}

/** Returns a status of either client library in nats-core's form. */
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
