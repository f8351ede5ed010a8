import { nearMiss } from "./near-miss.ts";
import { type DialTrace, travellingHooks } from "./trace.ts";
import { invalid, isPlain, show, unknownName } from "./validate.ts";
import { warnOnce } from "./warn.ts";

const dialHooks: readonly (keyof DialTrace)[] = ["dialStart", "dialDone", ...travellingHooks];

/** Hooks that were found good: most are given with many dials. */
const checked = new WeakSet<object>();

/** Throws a `TypeError` that names `option` unless `hooks` are hooks into dials. See {@link checkHooks}. */
export function checkDialHooks(option: string, hooks: unknown, or = ""): void {
  checkHooks(option, hooks, dialHooks, or);
}

/**
 * Throws a `TypeError` that names `option` unless `hooks` is an object whose hooks are functions of known names.
 * Hooks are called as methods, so that what holds them may hold other things: values, and where it is of a class
 * of its own, also methods, whose names are no near miss of a hook's.
 *
 * @param or - what else may be given, for the error.
 */
export function checkHooks(option: string, hooks: unknown, known: readonly string[], or = ""): void {
  if (!isPlain(hooks)) throw invalid(TypeError, `${option} must be an object of hooks${or}, got ${show(hooks)}`);
  if (checked.has(hooks)) return;
  const isLiteral = isRoot(Object.getPrototypeOf(hooks));
  for (const name of namesOf(hooks)) {
    const value = (hooks as Readonly<Record<string, unknown>>)[name];
    if (known.includes(name)) {
      if (value === undefined || typeof value === "function") continue;
      throw invalid(TypeError, `${option}: ${name} must be a function, got ${show(value)}`);
    }
    const mayStand = typeof value !== "function" || !isLiteral;
    if (mayStand && nearMiss(name, known) === undefined) continue;
    throw unknownName(`${option}: unknown hook`, name, known, "the hooks are");
  }
  checked.add(hooks);
}

/**
 * Wraps an observer so that the first hooks that it returns are checked: a name that is not known is warned of,
 * for nobody could catch an error.
 */
export function checkingHooks<A extends unknown[], H extends object>(
  option: string,
  observer: (...args: A) => H | undefined,
): (...args: A) => H | undefined {
  let isChecked = false;
  return (...args) => {
    const hooks = observer(...args);
    if (!isChecked && hooks !== undefined) {
      isChecked = true;
      try {
        checkDialHooks(option, hooks);
      } catch (error) {
        warnOnce((error as Error).message);
      }
    }
    return hooks;
  };
}

/** Names of all that an object has, what its class gives it included. */
function namesOf(hooks: object): readonly string[] {
  const names = Object.keys(hooks);
  for (let proto = Object.getPrototypeOf(hooks); !isRoot(proto); proto = Object.getPrototypeOf(proto)) {
    names.push(...Object.getOwnPropertyNames(proto).filter((name) => name !== "constructor"));
  }
  return names;
}

/** Whether it is where chains of prototypes end, in this realm or another. */
function isRoot(proto: object | null): boolean {
  return proto === null || Object.getPrototypeOf(proto) === null;
}
