import { types } from "node:util";

/**
 * Whether `value` is an error of any realm. jest runs tests, and this package, in a separate realm, where errors
 * created by Node.js are not `instanceof Error`.
 */
export function isError(value: unknown): value is Error {
  // The default reason of an abort is a DOMException from the realm of Node.js, which is not a native error.
  return types.isNativeError(value) || isInstance(value, Error) || isInstance(value, DOMException);
}

/** Whether `value` is an `AggregateError`, of this realm or another. */
export function isAggregateError(value: unknown): value is AggregateError {
  if (isInstance(value, AggregateError)) return true;
  return (
    types.isNativeError(value) && value.name === "AggregateError" && Array.isArray((value as AggregateError).errors)
  );
}

/** As `instanceof`, which throws for a proxy whose handler throws or is revoked. */
function isInstance(value: unknown, Kind: new (...args: never) => unknown): boolean {
  try {
    return value instanceof Kind;
  } catch {
    return false;
  }
}
