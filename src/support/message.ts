import { isError } from "./is-error.ts";
import { printable } from "./printable.ts";

/** Returns a printable message for any thrown value. The AggregateError of Node for several addresses has none. */
export function messageOf(error: unknown): string {
  if (!isError(error)) return printable(textOf(error));
  try {
    return printable(textOf(error.message).trimEnd() || (error as { code?: string }).code || error.name);
  } catch {
    // A getter of a user's error threw.
    return "an error whose message can't be read";
  }
}

/** Converts a value to a string, even without a prototype or with a broken `toString`. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return kindTextOf(value);
  }
}

/** Returns a string such as `[object Object]`, also for proxies that throw. */
function kindTextOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    return "[object Proxy]";
  }
}
