import type { DialAttributes } from "../engine/dial-attributes.ts";
import { invalid, isPlain, show } from "../support/validate.ts";
import { checkAttributeName } from "./attribute-names.ts";
import { otherValue } from "./sink.ts";

/** The application's own attributes: one value for all dials, or the set of values that a dial may give. */
export type AttributesOption = Readonly<Record<string, string | readonly string[]>>;

/** Maximum number of combinations of values: each has all series of a dialer. */
const maxCombinations = 100;

/** The application's own attributes of one observer. */
export interface OwnAttributes {
  /** The attributes with one value for all dials. */
  readonly fixed: DialAttributes;
  /** Names of the attributes whose values each dial gives. */
  readonly names: readonly string[];
  /** All combinations of values. A value outside of its set is in none of them. */
  readonly combinations: readonly DialAttributes[];
  /** Returns the attributes of a dial, where a value outside of its set is `_OTHER`. */
  of(dial: DialAttributes | undefined): DialAttributes;
  /** Returns the text that identifies the result of {@link OwnAttributes.of}. */
  keyOf(dial: DialAttributes | undefined): string;
}

/**
 * Reads the option `attributes`.
 *
 * @throws TypeError or RangeError naming the attribute that cannot be used.
 */
export function readAttributes(factory: string, attributes: AttributesOption = {}): OwnAttributes {
  const entries = checkedEntries(factory, attributes);
  const fixed: Record<string, string> = {};
  const sets: (readonly [string, ReadonlySet<string>])[] = [];
  for (const [name, value] of entries) {
    if (typeof value === "string") fixed[name] = value;
    else sets.push([name, new Set(value)]);
  }
  const inSet = (set: ReadonlySet<string>, value: string | undefined) =>
    value !== undefined && set.has(value) ? value : otherValue;
  return {
    fixed,
    names: sets.map(([name]) => name),
    combinations: combinationsOf(factory, fixed, sets),
    of(dial) {
      const values = { ...fixed };
      for (const [name, set] of sets) values[name] = inSet(set, dial?.[name]);
      return values;
    },
    keyOf(dial) {
      let key = "";
      for (const [name, set] of sets) key += `${inSet(set, dial?.[name])}\0`;
      return key;
    },
  };
}

/**
 * Reads the option `attributes` of an observer that has no dials.
 *
 * @throws TypeError naming the attribute that cannot be used.
 */
export function readFixedAttributes(factory: string, attributes: DialAttributes = {}): DialAttributes {
  for (const [name, value] of checkedEntries(factory, attributes)) {
    if (typeof value !== "string") {
      throw invalid(TypeError, `${factory}: attributes.${name} must be a string, got ${show(value)}`);
    }
  }
  return { ...attributes };
}

function checkedEntries(factory: string, attributes: AttributesOption): [string, string | readonly string[]][] {
  if (!isPlain(attributes)) {
    throw invalid(TypeError, `${factory}: attributes must be an object, got ${show(attributes)}`);
  }
  const entries = Object.entries(attributes);
  const names = entries.map(([name]) => name);
  for (const [name, value] of entries) {
    checkAttributeName(factory, name, names);
    checkValues(`${factory}: attributes.${name}`, value);
  }
  return entries;
}

function checkValues(option: string, value: unknown): void {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isValue = (each: unknown) => typeof each === "string" && each !== "" && each.length <= 128;
  if (values.length > 0 && values.every(isValue) && new Set(values).size === values.length) return;
  throw invalid(
    TypeError,
    `${option} must be a string of 1 to 128 characters, or an array of different strings, got ${show(value)}`,
  );
}

function combinationsOf(
  factory: string,
  fixed: DialAttributes,
  sets: readonly (readonly [string, ReadonlySet<string>])[],
): DialAttributes[] {
  const count = sets.reduce((product, [, set]) => product * set.size, 1);
  if (count > maxCombinations) {
    throw invalid(
      RangeError,
      `${factory}: attributes must have at most ${maxCombinations} combinations of values, got ${count}`,
    );
  }
  return sets.reduce<DialAttributes[]>(
    (all, [name, set]) => all.flatMap((each) => [...set].map((value) => ({ ...each, [name]: value }))),
    [fixed],
  );
}
