import type { Duplex } from "node:stream";
import { notify } from "./user-call.ts";

/** Whether `value` may be a connection: a duplex stream, of Node's or of a library that has the same methods. */
export function isConnection(value: unknown): value is Duplex {
  if (typeof value !== "object" || value === null) return false;
  // Without a loop: this runs in every dial.
  const { on, write, isPaused, destroy, _destroy } = value as Partial<Duplex>;
  return (
    typeof on === "function" &&
    typeof write === "function" &&
    typeof isPaused === "function" &&
    typeof destroy === "function" &&
    typeof _destroy === "function"
  );
}

/**
 * Destroys a connection that is not handed out. A user's own stream may throw then, or emit an error much later,
 * which would end the process without a listener.
 */
export function discard(conn: unknown): void {
  const { on, destroy } = (conn ?? {}) as Partial<Pick<Duplex, "on" | "destroy">>;
  notify("a connection's destroy()", () => {
    if (typeof on === "function") on.call(conn, "error", ignore);
    return typeof destroy === "function" ? destroy.call(conn) : undefined;
  });
}

function ignore(): void {}
