import { getSystemErrorMap } from "node:util";
import type { Target } from "../core/target.ts";

/** The error of a refused connect, with the code, syscall, address and message of the system's error. */
export function connectRefused(target: Target): Error {
  const { host, port, path } = target;
  const where = path ?? `${host}:${port}`;
  const error = systemError("ECONNREFUSED", "connect", ` ${where}`);
  return Object.assign(error, path === undefined ? { address: host, port } : { address: path });
}

/** The error of a read or write on a connection that the peer has reset. */
export function connectionReset(syscall: "read" | "write"): Error {
  return systemError("ECONNRESET", syscall, "");
}

function systemError(code: string, syscall: string, details: string): Error {
  return Object.assign(new Error(`${syscall} ${code}${details}`), { errno: errnoOf(code), code, syscall });
}

/** Looks up the number of an error code, which differs between systems. */
function errnoOf(code: string): number | undefined {
  for (const [errno, [name]] of getSystemErrorMap()) if (name === code) return errno;
  return undefined;
}
