import { isIPv4, isIPv6 } from "node:net";

/**
 * Whether a request's Host header names a loopback host, or one of `allowed`. A page elsewhere can give
 * its own name our address (DNS rebinding), and would pass for us; its name gives it away.
 */
export function isHostAllowed(header: string | undefined, allowed: ReadonlySet<string>): boolean {
  const host = hostOf(header);
  if (host === undefined) return false;
  return isLoopback(host) || allowed.has(host);
}

/** The host of a Host header, or of what a user wrote, without its port; `undefined` when it is none. */
export function hostOf(header: string | undefined): string | undefined {
  const [, bracketed, plain] = /^(?:\[([\da-f:.]+)\]|([^:[\]/@\s]+))(?::\d{1,5})?$/i.exec(header ?? "") ?? [];
  if (bracketed !== undefined) return isIPv6(bracketed) ? bracketed.toLowerCase() : undefined;
  return plain?.toLowerCase().replace(/\.$/, "");
}

export function isLoopback(host: string): boolean {
  if (host === "localhost" || host.endsWith(".localhost") || host === "::1") return true;
  return isIPv4(host) && host.startsWith("127.");
}
