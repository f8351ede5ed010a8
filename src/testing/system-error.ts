import { getSystemErrorMap } from "node:util";
import type { Target } from "../core/target.ts";

/** What `connect()` fails with where nobody listens: code, syscall, address and message are the system's. */
export function connectRefused(target: Target): Error {
  const { host, port, path } = target;
  const where = path ?? `${host}:${port}`;
  const error = systemError("ECONNREFUSED", "connect", ` ${where}`);
  return Object.assign(error, path === undefined ? { address: host, port } : { address: path });
}

/** What a connection that the peer has reset fails with when it is next read or written. */
export function connectionReset(syscall: "read" | "write"): Error {
  return systemError("ECONNRESET", syscall, "");
}

function systemError(code: string, syscall: string, details: string): Error {
  return Object.assign(new Error(`${syscall} ${code}${details}`), { errno: errnoOf(code), code, syscall });
}

/** Systems number their errors differently. */
function errnoOf(code: string): number | undefined {
  for (const [errno, [name]] of getSystemErrorMap()) if (name === code) return errno;
  return undefined;
}
