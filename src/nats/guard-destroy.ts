import type { Socket } from "node:net";
import { notify } from "../support/user-call.ts";

/**
 * Keeps what a connection of the user's own throws when it is destroyed, or emits after it, away from the client.
 * The library destroys connections in many places, and takes all listeners off before.
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
