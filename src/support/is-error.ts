import { types } from "node:util";

/**
 * Whether `value` is an error, of this realm or another. jest runs tests, and this package with them, in a realm of its
 * own: there, an error that Node.js makes is no `instanceof Error`.
 */
export function isError(value: unknown): value is Error {
  // An abort's reason is a DOMException of Node.js' realm, which is no native error.
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
