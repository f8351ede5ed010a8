import type { Socket } from "node:net";
import { notify } from "../support/user-call.ts";

/**
 * Catches errors that a user-made connection throws from `destroy()` or emits after it. The library destroys connections
 * in many places after removing all listeners.
 */
export function guardDestroy(conn: Socket): void {
  const destroy = conn.destroy.bind(conn);
  conn.destroy = (error) => {
    conn.on("error", ignore);
    notify("a connection's destroy()", () => destroy(error));
    return conn;
  };
}

function ignore(): void {}
