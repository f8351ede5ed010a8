import type { NetConnectOpts } from "node:net";
import { parseTarget, Target } from "../core/target.ts";
import { printable } from "../support/printable.ts";

/** What `Socket.prototype.connect` was called with. */
export type ConnectOptions = Partial<{
  host: unknown;
  port: unknown;
  path: unknown;
  servername: unknown;
  autoSelectFamilyAttemptTimeout: unknown;
}> & { readonly [key: symbol]: unknown };

/** Reads the arguments of `Socket.prototype.connect` as Node does: options, a path, or a port and a host. */
export function connectOptionsOf(args: readonly unknown[]): ConnectOptions {
  const [first, second] = args;
  // Node passes an array of options and callback to itself.
  if (Array.isArray(first)) return (first[0] ?? {}) as ConnectOptions;
  if (typeof first === "object" && first !== null) return first as NetConnectOpts as ConnectOptions;
  if (typeof first === "string" && !(Number(first) >= 0)) return { path: first };
  return { port: first, host: typeof second === "string" ? second : undefined };
}

/** Longest host that is shown when it is no valid name. */
const maxHost = 256;

/** Returns the target of a connect. A host that is no valid name is shown as it was given. */
export function connectTargetOf({ host, port, path }: ConnectOptions): Target {
  if (typeof path === "string" && path !== "")
    return new Target("", 0, path.startsWith("\0") ? `@${path.slice(1)}` : path);
  const named = typeof host === "string" && host !== "" ? host : "localhost";
  const number = Number(port) | 0;
  try {
    return parseTarget({ host: named, port: number });
  } catch {
    return new Target(printable(named, maxHost), number);
  }
}
