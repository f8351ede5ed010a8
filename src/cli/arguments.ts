import { parseArgs } from "node:util";
import { unknownName } from "../support/validate.ts";
import { type OptionName, optionNames, rowOf } from "./option-table.ts";
import { UsageError } from "./usage-error.ts";

/** The parts of a command line: values by option (`true` for a switch), and targets. */
export interface Arguments {
  readonly values: ReadonlyMap<OptionName, string | true>;
  readonly targets: readonly string[];
}

const config = Object.fromEntries(
  optionNames.map((name) => {
    const { short, value } = rowOf(name);
    const type = value === undefined ? ("boolean" as const) : ("string" as const);
    return [name, short === undefined ? { type } : { type, short }];
  }),
);

/**
 * Splits a command line into options and targets. The messages never show a value, because it may be a secret.
 *
 * @throws UsageError for an unknown option, a missing or an unexpected value, and an option that is given twice.
 */
export function readArguments(argv: readonly string[]): Arguments {
  // Not strict: the messages of `parseArgs` name no similar option.
  const { tokens } = parseArgs({ args: [...argv], options: config, strict: false, tokens: true });
  const values = new Map<OptionName, string | true>();
  const targets: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") targets.push(token.value);
    if (token.kind !== "option") continue;
    const name = knownOption(token.name, token.rawName);
    if (values.has(name)) throw new UsageError(`--${name} is given twice`);
    values.set(name, checkedValue(name, token.value, token.inlineValue === true));
  }
  return { values, targets };
}

function knownOption(name: string, rawName: string): OptionName {
  if ((optionNames as readonly string[]).includes(name)) return name as OptionName;
  const dashed = optionNames.map((each) => `--${each}`);
  const { message } = unknownName("unknown option", rawName, dashed, "the options are");
  throw new UsageError(message);
}

function checkedValue(name: OptionName, value: string | undefined, isInline: boolean): string | true {
  const { value: placeholder } = rowOf(name);
  if (placeholder === undefined) {
    if (value !== undefined) throw new UsageError(`--${name} takes no value`);
    return true;
  }
  if (value === undefined || value === "") throw new UsageError(`--${name} needs a value: --${name} ${placeholder}`);
  // Otherwise an option without its value would take the next option as the value.
  if (!isInline && /^-./.test(value)) {
    throw new UsageError(
      `--${name} needs a value: --${name} ${placeholder}, or --${name}=… if the value begins with -`,
    );
  }
  return value;
}
