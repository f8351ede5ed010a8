import { nearMiss } from "./near-miss.ts";
import { checkOptionsObject, invalid, show, showKind, unknownOption } from "./validate.ts";
import { warnOnce } from "./warn.ts";

/** Throws an error that names `option` unless the value is of its type. */
export type Check = (option: string, value: unknown) => void;

/** How each option of a type is checked: the compiler finds one that is left out. */
export type OptionChecks<T> = Readonly<Record<keyof T, Check>>;

/** Leaves a value to what takes it further on. */
export const unchecked: Check = () => {};

/** Throws a `TypeError` that names `option` unless the value is a number. */
export const checkNumber: Check = (option, value) => {
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw invalid(TypeError, `${option} must be a number, got ${show(value)}`);
  }
};

/** Throws a `TypeError` that names `option` unless the value is a string. */
export const checkString: Check = (option, value) => {
  if (typeof value !== "string") throw invalid(TypeError, `${option} must be a string, got ${show(value)}`);
};

/** As {@link checkString}, for what may not be shown. */
export const checkSecret: Check = (option, value) => {
  if (typeof value !== "string") throw invalid(TypeError, `${option} must be a string, got ${showKind(value)}`);
};

/** Checks by its type each option that is given. */
export function checkTypes(factory: string, options: object, checks: Readonly<Record<string, Check>>): void {
  for (const [name, check] of Object.entries(checks)) {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined) check(`${factory}: ${name}`, value);
  }
}

/**
 * Checks options that go on to somebody else's code, whose newer versions may know more: a near miss of a known
 * name is refused, a known option is checked by its type, and any other passes, with one warning.
 *
 * @param takenBy - what the others are passed to.
 * @throws TypeError naming the option.
 */
export function checkOpenOptions(
  factory: string,
  options: unknown,
  checks: Readonly<Record<string, Check>>,
  takenBy: string,
): void {
  checkOptionsObject(factory, options, checks);
  checkTypes(factory, options, checks);
  const known = Object.keys(checks);
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    if (nearMiss(name, known) !== undefined) throw unknownOption(factory, name, known);
    warnOnce(`${factory}: unknown option ${show(name)} is passed on to ${takenBy} as it is`);
  }
}
