import type { Duplex } from "node:stream";
import { notify } from "./hooks.ts";

/** Whether `value` may be a connection: what a dial hands out is listened to, written to, and destroyed. */
export function isConnection(value: unknown): value is Duplex {
  const { destroy, on, write } = (value ?? {}) as Partial<Record<"destroy" | "on" | "write", unknown>>;
  return typeof destroy === "function" && typeof on === "function" && typeof write === "function";
}

/**
 * Destroys what is not handed out. A stream of the user's own may throw at that, or emit an error
 * long after, which without a listener would end the process.
 */
export function discard(conn: unknown): void {
  const { on, destroy } = (conn ?? {}) as Partial<Pick<Duplex, "on" | "destroy">>;
  notify("a connection's destroy()", () => {
    if (typeof on === "function") on.call(conn, "error", ignore);
    return typeof destroy === "function" ? destroy.call(conn) : undefined;
  });
}

function ignore(): void {}
