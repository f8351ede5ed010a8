import type { TargetLike } from "../core/target.ts";
import { invalid } from "../support/validate.ts";

/** What a call of `socket.connect(…)` asks for. */
export interface ConnectCall {
  /** The target named, if any. */
  readonly target: TargetLike | undefined;
  /** Called on `connect`. */
  readonly listener: (() => void) | undefined;
}

/**
 * Reads the arguments of `net.Socket.connect`: `(port, host?, listener?)`, `(path, listener?)` or `(options, listener?)`.
 * Of the options it reads `host`, `port` and `path`; the dialer decides the rest.
 *
 * @see https://nodejs.org/api/net.html#socketconnect
 */
export function readConnectArguments(args: readonly unknown[]): ConnectCall {
  // `net.connect` passes an array of arguments that it has read already.
  const given: readonly unknown[] = Array.isArray(args[0]) ? args[0] : args;
  const last = given.at(-1);
  const listener = typeof last === "function" ? (last as () => void) : undefined;
  const [first, second] = given;
  if (typeof first === "object" && first !== null) return { target: targetOf(first), listener };
  if (typeof first === "number" || (typeof first === "string" && /^\d+$/.test(first))) {
    return { target: { host: typeof second === "string" ? second : "localhost", port: first }, listener };
  }
  return { target: typeof first === "string" ? { path: systemName(first) } : undefined, listener };
}

function targetOf(options: object): TargetLike | undefined {
  const { host, port, path } = options as { host?: unknown; port?: unknown; path?: unknown };
  if (typeof path === "string" && path !== "") return { path: systemName(path) };
  if (port === undefined || port === null) return undefined;
  if (typeof port !== "number" && typeof port !== "string") {
    throw invalid(TypeError, "lazySocket: connect() needs a port as a number or a string");
  }
  return { host: typeof host === "string" && host !== "" ? host : "localhost", port };
}

/** Node names a socket of Linux's abstract namespace with a leading NUL, a target with `@`. */
function systemName(path: string): string {
  return path.startsWith("\0") ? `@${path.slice(1)}` : path;
}
