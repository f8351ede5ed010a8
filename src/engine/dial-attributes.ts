import { invalid, isPlain, show, unknownName } from "../support/validate.ts";

/** The attributes of one dial, for observers. */
export type DialAttributes = Readonly<Record<string, string>>;

/**
 * Checks the attributes in a dial's own options. Those in `inherited` have been checked by an outer layer.
 *
 * @param declared - names that the observers of the dialer take from a dial.
 * @throws TypeError naming the attribute, when no observer takes it or its value is no string.
 */
export function checkDialAttributes(
  what: string,
  attributes: unknown,
  inherited: DialAttributes | undefined,
  declared: readonly string[],
): asserts attributes is DialAttributes {
  if (!isPlain(attributes)) {
    throw invalid(TypeError, `${what}: attributes must be an object of strings, got ${show(attributes)}`);
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (inherited !== undefined && Object.hasOwn(inherited, name) && inherited[name] === value) continue;
    if (!declared.includes(name)) throw undeclared(what, name, declared);
    if (typeof value !== "string") {
      throw invalid(TypeError, `${what}: attributes.${name} must be a string, got ${show(value)}`);
    }
  }
}

function undeclared(what: string, name: string, declared: readonly string[]): TypeError {
  const unknown = `${what}: attributes: no observer of this dialer has an array of values for`;
  if (declared.length === 0) return invalid(TypeError, `${unknown} ${show(name)}`);
  return unknownName(unknown, name, declared, "the attributes are");
}
