import { nearMiss } from "./near-miss.ts";
import { type DialTrace, type Observer, travellingHooks } from "./trace.ts";
import { checkObserver, invalid, isPlain, show, unknownName } from "./validate.ts";
import { warnOnce } from "./warn.ts";

const dialHooks: readonly (keyof DialTrace)[] = ["dialStart", "dialDone", ...travellingHooks];

/** Hooks into dials that were found good: most are given with many. */
const checked = new WeakSet<object>();

/** Whether {@link checkDialHooks} has found them good. */
export function isChecked(hooks: object): boolean {
  return checked.has(hooks);
}

/** Throws a `TypeError` that names `option` unless `hooks` are hooks into dials. See {@link checkHooks}. */
export function checkDialHooks(option: string, hooks: unknown, what?: string): void {
  checkHooks(option, hooks, dialHooks, what);
  checked.add(hooks as object);
}

/**
 * Throws a `TypeError` that names `option` unless `hooks` is an object whose hooks are functions of known names.
 * Hooks are called as methods, so that what holds them may hold other things: values, and where it is of a class
 * of its own, also methods, whose names are no near miss of a hook's.
 *
 * @param what - what may be given, for the error.
 */
export function checkHooks(
  option: string,
  hooks: unknown,
  known: readonly string[],
  what = "an object of hooks",
): void {
  if (!isPlain(hooks)) throw invalid(TypeError, `${option} must be ${what}, got ${show(hooks)}`);
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
}

/**
 * Throws a `TypeError` that names `option` unless it is hooks, an observer or an array of them. Hooks that an observer
 * returns are looked at when it does: see {@link warnOfHooks}.
 */
export function checkObservers(option: string, trace: unknown, known: readonly string[]): void {
  for (const each of Array.isArray(trace) ? trace : [trace]) {
    if (typeof each === "function") checkObserver(option, each);
    else checkHooks(option, each, known, "hooks, an observer or an array of them");
  }
}

/** Warns, once, of hooks that {@link checkHooks} refuses: where they come from an observer there is no caller to be told. */
export function warnOfHooks(option: string, hooks: unknown, known: readonly string[] = dialHooks): void {
  try {
    if (hooks !== undefined && hooks !== null) checkHooks(option, hooks, known);
  } catch (error) {
    warnOnce((error as Error).message);
  }
}

/** Has the first hooks that an observer of dials returns looked at. Those of every dial would take their time. */
export function checkingFirst(option: string, observer: Observer): Observer {
  let isChecked = false;
  return (dial, clock) => {
    const hooks = observer(dial, clock);
    if (!isChecked && hooks !== undefined) {
      isChecked = true;
      warnOfHooks(option, hooks);
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
