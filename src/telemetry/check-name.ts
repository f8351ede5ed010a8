import { show } from "../core/validate.ts";

/** Throws a `TypeError` that names the option unless it can be the value of `dialer.name`. */
export function checkName(factory: string, name: unknown): void {
  if (typeof name !== "string" || name === "" || name.length > 128) {
    throw new TypeError(`${factory}: name must be a string of 1 to 128 characters, got ${show(name)}`);
  }
}
