import { isError } from "./is-error.ts";
import { printable } from "./printable.ts";

/** The message of any thrown value, made printable. Node's AggregateError of several addresses has an empty one. */
export function messageOf(error: unknown): string {
  if (!isError(error)) return printable(textOf(error));
  try {
    return printable(textOf(error.message).trimEnd() || (error as { code?: string }).code || error.name);
  } catch {
    // A getter of the user's threw.
    return "an error whose message can't be read";
  }
}

/** An object without a prototype, or with a broken `toString`, cannot be made a string. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return kindTextOf(value);
  }
}

/** Such as `[object Object]`. A proxy may throw even at that. */
function kindTextOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    return "[object Proxy]";
  }
}
