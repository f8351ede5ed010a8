import { Duplex } from "node:stream";
import { notify } from "./hooks.ts";

const methods = ["on", "write", "isPaused", "destroy", "_destroy"] as const satisfies readonly (keyof Duplex)[];

/** Whether `value` may be a connection: a duplex stream, of Node's or of a library that has the same methods. */
export function isConnection(value: unknown): value is Duplex {
  if (value instanceof Duplex) return true;
  if (typeof value !== "object" || value === null) return false;
  return methods.every((name) => typeof (value as Partial<Duplex>)[name] === "function");
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
