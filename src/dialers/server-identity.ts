import type { ConnectionOptions } from "node:tls";
import { isError } from "../support/is-error.ts";
import { wrongReturn } from "../support/returned.ts";

type Check = NonNullable<ConnectionOptions["checkServerIdentity"]>;

/**
 * Guards a user's check of the server's certificate: Node calls it from an event, where a throw would end the process,
 * and takes whatever is falsy for a yes.
 */
export function guardedIdentity(check: Check): Check {
  return function guardedCheck(host, certificate) {
    let refusal: unknown;
    try {
      refusal = check(host, certificate);
    } catch (error) {
      return isError(error) ? error : new Error(`tls: checkServerIdentity threw ${String(error)}`);
    }
    if (refusal === undefined || refusal === null) return undefined;
    if (isError(refusal)) return refusal;
    return wrongReturn("tls: checkServerIdentity", "must return an error, or undefined to accept", refusal);
  };
}
