import { isIPv6 } from "node:net";
import { parseTarget, type Target } from "../core/target.ts";

/**
 * Returns the target that a client of a proxy asks for; `undefined` if it is invalid. An IPv6 address is converted to one
 * form, so that `allowTarget` can compare it.
 */
export function requestedTarget(host: string, port: number | string): Target | undefined {
  try {
    return parseTarget({ host: isIPv6(host) ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host, port });
  } catch {
    return undefined;
  }
}
