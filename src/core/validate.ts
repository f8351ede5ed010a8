import { printable } from "./printable.ts";

/** Longest delay that Node's timers keep; they turn a longer one, `Infinity` too, into 1 ms. */
export const maxTimerMs = 2 ** 31 - 1;

/** Throws a `RangeError` that names `option` and the value unless it is a duration Node's timers can keep. */
export function checkDuration(option: string, value: unknown, min = 1): void {
  if (typeof value !== "number" || !(value >= min && value <= maxTimerMs)) {
    throw new RangeError(`${option} must be a number of milliseconds from ${min} to ${maxTimerMs}, got ${show(value)}`);
  }
}

/** Throws a `RangeError` that names `option` and the value unless it is a whole number, or `Infinity`, of at least `min`. */
export function checkCount(option: string, value: unknown, min = 1): void {
  if (!(Number.isSafeInteger(value) || value === Number.POSITIVE_INFINITY) || (value as number) < min) {
    throw new RangeError(`${option} must be a whole number of at least ${min}, or Infinity, got ${show(value)}`);
  }
}

/** Throws a `RangeError` that names `option` and the value unless it is one of `allowed`. */
export function checkOneOf(option: string, value: unknown, allowed: readonly string[]): void {
  if (typeof value !== "string" || !allowed.includes(value)) {
    throw new RangeError(`${option} must be one of ${allowed.join(", ")}, got ${show(value)}`);
  }
}

/** Throws a `TypeError` that names `option` and the value unless it is `true` or `false`. */
export function checkBoolean(option: string, value: unknown): void {
  if (typeof value !== "boolean") throw new TypeError(`${option} must be true or false, got ${show(value)}`);
}

/** Throws a `TypeError` that names `option` and the value unless it is a function. */
export function checkFunction(option: string, value: unknown): void {
  if (typeof value !== "function") throw new TypeError(`${option} must be a function, got ${show(value)}`);
}

/** Throws a `TypeError` for anything but an object, and for keys that are not in `known`: a misspelt option must not pass. */
export function checkOptions(factory: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${factory}: options must be an object, got ${show(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new TypeError(`${factory}: unknown option ${printable(key, 64)}; the options are ${known.join(", ")}`);
    }
  }
}

/** A rejected value, short and on one line. Objects show their kind only: they may hold secrets. */
export function show(value: unknown): string {
  if (typeof value === "string") return printable(JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value));
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return printable(String(value), 64);
}
