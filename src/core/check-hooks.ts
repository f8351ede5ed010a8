import { nearMiss } from "../support/near-miss.ts";
import { type Observed, observedBy } from "../support/observed-places.ts";
import { roleOf } from "../support/roles.ts";
import { checkFunction, invalid, isPlain, show, unknownName } from "../support/validate.ts";
import { warnOnce } from "../support/warn.ts";
import { dialEventNames, type Observer } from "./trace.ts";

/** As {@link checkHooks}, for the hooks of dials. */
export function checkDialHooks(option: string, hooks: unknown, what?: string): void {
  checkHooks(option, hooks, dialEventNames, what);
}

/**
 * Throws a `TypeError` that names `option` unless `hooks` is an object whose hooks are functions of known names. Hooks
 * are called as methods of the object, so the object may have other fields, and an instance of a class may have other
 * methods. A name that is a near miss of a hook's name is rejected.
 *
 * @param what - description of an accepted value, for the error.
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
    if (mayStand && isOther(name, known)) continue;
    throw unknownName(`${option}: unknown hook`, name, known, "the hooks are");
  }
}

/** The option or function that takes observers of each kind. */
const placeFor: Readonly<Record<Observed, string>> = {
  dials: "withTrace",
  pools: "the trace of a pool",
  clients: "the trace of connect or instrument",
};

/**
 * Throws a `TypeError` that names `option` unless a function may observe `what`; a dialer, a middleware or a factory
 * does not.
 */
export function checkObserver(option: string, observer: (...args: never) => unknown, what: Observed): void {
  checkFunction(option, observer);
  if (roleOf(observer) !== undefined) throw invalid(TypeError, `${option} must return hooks, got ${show(observer)}`);
  checkObserved(option, observer, what);
}

function checkObserved(option: string, observer: object, what: Observed): void {
  const other = observedBy(observer) ?? what;
  if (other === what) return;
  throw invalid(
    TypeError,
    `${option} must observe ${what}, got an observer of ${other}; it goes to ${placeFor[other]}`,
  );
}

/**
 * Throws a `TypeError` that names `option` unless it is hooks, an observer or an array of them. Hooks that an observer
 * returns later are checked by {@link warnOfHooks}.
 */
export function checkObservers(option: string, trace: unknown, known: readonly string[], what: Observed): void {
  for (const each of Array.isArray(trace) ? trace : [trace]) {
    if (typeof each === "function") {
      checkObserver(option, each, what);
      continue;
    }
    if (isPlain(each)) checkObserved(option, each, what);
    checkHooks(option, each, known, "hooks, an observer or an array of them");
  }
}

/**
 * Warns once about hooks that {@link checkHooks} rejects, for hooks returned by an observer: there is no caller to
 * reject.
 */
export function warnOfHooks(option: string, hooks: unknown, known: readonly string[] = dialEventNames): void {
  try {
    if (hooks !== undefined && hooks !== null) checkHooks(option, hooks, known);
  } catch (error) {
    warnOnce((error as Error).message);
  }
}

/**
 * Wraps an observer of dials to check the first hooks that it returns. Checking the hooks of every dial would be slow.
 */
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

/** Names known not to be misspelled hooks, because the comparison is slow and each dial may have hooks. */
const others = new WeakMap<readonly string[], Set<string>>();
const maxOthers = 1000;

/** Whether a name is not a near miss of any hook's name. */
function isOther(name: string, known: readonly string[]): boolean {
  const found = others.get(known) ?? new Set();
  if (found.has(name)) return true;
  if (nearMiss(name, known) !== undefined) return false;
  others.set(known, found);
  if (found.size < maxOthers) found.add(name);
  return true;
}

/** Names of an object's own properties and of those of its class. */
function namesOf(hooks: object): readonly string[] {
  const names = Object.keys(hooks);
  for (let proto = Object.getPrototypeOf(hooks); !isRoot(proto); proto = Object.getPrototypeOf(proto)) {
    names.push(...Object.getOwnPropertyNames(proto).filter((name) => name !== "constructor"));
  }
  return names;
}

/** Whether an object is the end of a prototype chain, in this realm or another. */
function isRoot(proto: object | null): boolean {
  return proto === null || Object.getPrototypeOf(proto) === null;
}
