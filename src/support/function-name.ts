import { printable } from "./printable.ts";

/** Returns the name of a user's function, for a description; `custom` if it has none. */
export function functionName(value: object): string {
  const { name } = value as { readonly name?: unknown };
  return typeof name === "string" && name !== "" ? printable(name, 64) : "custom";
}
