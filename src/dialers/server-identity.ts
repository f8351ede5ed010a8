import type { ConnectionOptions } from "node:tls";
import { isError } from "../support/is-error.ts";
import { wrongReturn } from "../support/returned.ts";

type Check = NonNullable<ConnectionOptions["checkServerIdentity"]>;

/**
 * Wraps a user's `checkServerIdentity`. Node calls it in an event listener, where a throw ends the process, and accepts
 * the certificate for every falsy result.
 *
 * @returns a function that returns what `check` throws, and an error for any result except an error, `undefined` or `null`.
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
