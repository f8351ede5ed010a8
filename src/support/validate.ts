import { nearMiss, onlyEndingIn } from "./near-miss.ts";
import { printable } from "./printable.ts";
import { roleOf } from "./roles.ts";

/** Longest delay that timers of Node support; a longer one, including `Infinity`, becomes 1 ms. */
export const maxTimerMs = 2 ** 31 - 1;

/** Throws a `RangeError` that names `option` and the value unless it is a duration that timers of Node support. */
export function checkDuration(option: string, value: unknown, min = 1): void {
  if (typeof value !== "number" || !(value >= min && value <= maxTimerMs)) {
    throw invalid(
      RangeError,
      `${option} must be a number of milliseconds from ${min} to ${maxTimerMs}, got ${show(value)}`,
    );
  }
}

/** Throws a `RangeError` that names `option` and the value unless it is a whole number, or `Infinity`, of at least `min`. */
export function checkCount(option: string, value: unknown, min = 1): void {
  if (!(Number.isSafeInteger(value) || value === Number.POSITIVE_INFINITY) || (value as number) < min) {
    throw invalid(RangeError, `${option} must be a whole number of at least ${min}, or Infinity, got ${show(value)}`);
  }
}

/** Throws a `RangeError` that names `option` and the value unless it is a number from 0 to 1. */
export function checkRatio(option: string, value: unknown): void {
  if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
    throw invalid(RangeError, `${option} must be a number from 0 to 1, got ${show(value)}`);
  }
}

/** Throws a `RangeError` that names `option` and the value unless it is one of `allowed`. */
export function checkOneOf(option: string, value: unknown, allowed: readonly string[]): void {
  if (typeof value !== "string" || !allowed.includes(value)) {
    throw invalid(RangeError, `${option} must be one of ${allowed.join(", ")}, got ${show(value)}`);
  }
}

/** Throws a `TypeError` that names `option` and the value unless it is `true` or `false`. */
export function checkBoolean(option: string, value: unknown): void {
  if (typeof value !== "boolean") throw invalid(TypeError, `${option} must be true or false, got ${show(value)}`);
}

/** Throws a `TypeError` that names `option` and the value unless it is a function, and not a factory that was not called. */
export function checkFunction(option: string, value: unknown): void {
  if (typeof value !== "function" || roleOf(value)?.kind === "factory") {
    throw invalid(TypeError, `${option} must be a function, got ${show(value)}${hint(value)}`);
  }
}

/** Throws a `TypeError` that names `option` unless it may be a dialer, which a factory or middleware of this package is not. */
export function checkDialer(option: string, value: unknown): void {
  if (typeof value !== "function") throw invalid(TypeError, `${option} must be a function, got ${show(value)}`);
  const kind = roleOf(value)?.kind ?? "dialer";
  if (kind !== "dialer") throw invalid(TypeError, `${option} must be a dialer, got ${show(value)}${hint(value)}`);
}

/** The names of an options type. A missing name is a type error. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/**
 * Throws a `TypeError` for anything but an object of options, and for misspelled or unknown names, which are not in
 * `known`. Ignores inherited properties and symbol keys.
 */
export function checkOptions<T extends object>(factory: string, options: T, known: OptionNames<NoInfer<T>>): void {
  checkOptionsObject(factory, options, known);
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name)) throw unknownOption(factory, name, Object.keys(known));
  }
}

/** Throws a `TypeError` unless it may be an object of options. The message suggests a fix for common mistakes. */
export function checkOptionsObject(factory: string, value: unknown, known: object): asserts value is object {
  if (isPlain(value)) return;
  const advice = value instanceof AbortSignal && "signal" in known ? "; pass it as { signal }" : hint(value);
  throw invalid(TypeError, `${factory}: options must be an object, got ${show(value)}${advice}`);
}

/** Returns the error about an unknown option. */
export function unknownOption(factory: string, name: string, known: readonly string[]): TypeError {
  return unknownName(`${factory}: unknown option`, name, known, "the options are");
}

/** Returns the error about an unknown name, with the nearest known name or all known names. */
export function unknownName(unknown: string, name: string, known: readonly string[], theNamesAre: string): TypeError {
  const meant = nearMiss(name, known) ?? onlyEndingIn(name, known);
  const advice = meant === undefined ? `${theNamesAre} ${known.join(", ")}` : `did you mean ${meant}?`;
  return invalid(TypeError, `${unknown} ${shownName(name)}; ${advice}`);
}

/** Throws a `TypeError` that names `option` unless it is an `AbortSignal`. */
export function checkSignal(option: string, value: unknown): void {
  if (value instanceof AbortSignal) return;
  const advice = value instanceof AbortController ? "; pass its signal" : "";
  throw invalid(TypeError, `${option} must be an AbortSignal, got ${show(value)}${advice}`);
}

/** Returns an error about an invalid argument. Its code classifies it as `config`, which is not retried. */
export function invalid<E extends Error>(
  ErrorClass: new (message: string, options?: ErrorOptions) => E,
  message: string,
  options?: ErrorOptions,
): E {
  return Object.assign(new ErrorClass(message, options), { code: "ERR_INVALID_OPTION" });
}

/** Kinds of objects that are neither options nor hooks. Compared by name, because objects may come from another realm. */
const otherKinds =
  /^(?:AbortSignal|AbortController|Array|Date|Error|EventTarget|Map|Promise|RegExp|Set|URL|Weak\w+|\w+Array|ArrayBuffer)$/;

/** Whether it may be an object of options or hooks, and not another known kind such as an array. */
export function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  // Most options are object literals; only other objects need a check of their kind.
  return Object.getPrototypeOf(value) === Object.prototype || !otherKinds.test(kindOf(value));
}

/** Returns the kind of an object, such as `Object`, `Array` or `AbortSignal`. */
function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Returns how to fix a function that was passed in the wrong place. */
function hint(value: unknown): string {
  const role = roleOf(value);
  if (role?.kind === "factory") return `; call it: ${role.name}()`;
  if (role?.kind === "middleware") return "; put it over a base dialer: compose(withRetry(), tcp())";
  return "";
}

/** Returns a rejected value, short and on one line. Objects show only their kind, because they may hold secrets. */
export function show(value: unknown): string {
  if (typeof value === "string") return printable(JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value));
  if (typeof value === "function") {
    const role = roleOf(value);
    if (role === undefined) return "a function";
    return role.kind === "factory" ? `the factory ${role.name}` : `a ${role.kind}`;
  }
  if (typeof value !== "object" || value === null) return printable(String(value), 64);
  let kind: string;
  try {
    if (Array.isArray(value)) return "an array";
    kind = kindOf(value);
  } catch {
    // A revoked proxy, or one whose handler throws.
    return "an object";
  }
  if (!otherKinds.test(kind)) return "an object";
  if (kind === "Promise") return "a promise";
  return `${/^[AEI]/.test(kind) ? "an" : "a"} ${kind}`;
}

/** Returns the kind of a rejected value that must not be shown. */
export function showKind(value: unknown): string {
  return ["string", "number", "boolean", "bigint", "symbol"].includes(typeof value) ? `a ${typeof value}` : show(value);
}

/** Returns a name as is, or quoted if it has characters other than letters, digits and the like. */
function shownName(name: string): string {
  return /^[\w$.-]{1,64}$/.test(name) ? name : show(name);
}
