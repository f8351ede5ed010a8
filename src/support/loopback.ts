import { isIPv4 } from "node:net";

/** Reports whether `host` is a name or address of the loopback interface. */
export function isLoopback(host: string): boolean {
  if (host === "localhost" || host.endsWith(".localhost") || host === "::1") return true;
  return isIPv4(host) && host.startsWith("127.");
}
