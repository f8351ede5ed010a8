import { isError } from "./is-error.ts";
import { printable } from "./printable.ts";

/** The message of any thrown value, made printable. Node's AggregateError of several addresses has an empty one. */
export function messageOf(error: unknown): string {
  if (!isError(error)) return printable(textOf(error));
  return printable(textOf(error.message).trimEnd() || (error as { code?: string }).code || error.name);
}

/** An object without a prototype, or with a broken `toString`, cannot be made a string. */
function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
