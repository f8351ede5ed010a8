import { isIPv6 } from "node:net";
import { isLoopback } from "../support/loopback.ts";

/**
 * Reports whether a request's Host header names a loopback host or one of `allowed`. A hostile site can point its own
 * name to this address (DNS rebinding), which makes it same-origin; the Host header still carries that name.
 */
export function isHostAllowed(header: string | undefined, allowed: ReadonlySet<string>): boolean {
  const host = hostOf(header);
  if (host === undefined) return false;
  return isLoopback(host) || allowed.has(host);
}

/**
 * Reports whether an Origin header names the host and port of the Host header. A request without one is accepted:
 * browsers send it with every request of another origin that can read the response. The scheme may differ, because a
 * proxy may terminate TLS.
 */
export function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  const [, scheme = "", authority] = /^(https?):\/\/([^/?#@\\]+)$/i.exec(origin) ?? [];
  // Parsing removes the scheme's default port and unifies letter case.
  const asking = hostAndPort(scheme, authority);
  return asking !== undefined && asking === hostAndPort(scheme, host);
}

function hostAndPort(scheme: string, authority = ""): string | undefined {
  const url = `${scheme}://${authority}`;
  return URL.canParse(url) ? new URL(url).host : undefined;
}

/** Returns the host of a Host header or option without its port, or `undefined` if it is invalid. */
export function hostOf(header: string | undefined): string | undefined {
  const [, bracketed, plain] = /^(?:\[([\da-f:.]+)\]|([^:[\]/@\s]+))(?::\d{1,5})?$/i.exec(header ?? "") ?? [];
  if (bracketed !== undefined) return isIPv6(bracketed) ? bracketed.toLowerCase() : undefined;
  return plain?.toLowerCase().replace(/\.$/, "");
}
