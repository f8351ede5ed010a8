import { nearMiss } from "./near-miss.ts";
import { checkOptionsObject, invalid, show, showKind, unknownOption } from "./validate.ts";
import { warnOnce } from "./warn.ts";

/** Throws an error that names `option` unless the value is of its type. */
export type Check = (option: string, value: unknown) => void;

/** Checks for each option of a type. A missing option is a type error. */
export type OptionChecks<T> = Readonly<Record<keyof T, Check>>;

/** Accepts any value, because the receiver checks it. */
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

/** As {@link checkString}, for values that must not be shown. */
export const checkSecret: Check = (option, value) => {
  if (typeof value !== "string") throw invalid(TypeError, `${option} must be a string, got ${showKind(value)}`);
};

/** Checks the type of each option that is set. */
export function checkTypes(factory: string, options: object, checks: Readonly<Record<string, Check>>): void {
  for (const [name, check] of Object.entries(checks)) {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined) check(`${factory}: ${name}`, value);
  }
}

/**
 * Checks options that are passed to another library, whose newer versions may have more options. Rejects a misspelled
 * name, checks the type of a known option, and accepts any other option with one warning.
 *
 * @param takenBy - receiver of the options.
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
