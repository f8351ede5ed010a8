import { show } from "./validate.ts";
import { warnOnce } from "./warn.ts";

/** Where an observer puts what it is told, and under which name: two of one place and name count all twice. */
export interface Place {
  /** The factory, such as `withPrometheus`. */
  readonly factory: string;
  /** The name that it was given, or goes by without. */
  readonly name: string;
  /** The registry, provider or logger; `undefined` for the process' own. */
  readonly into?: object | undefined;
}

/** What there is to observe. */
export type Observed = "dials" | "pools" | "clients";

const places = new WeakMap<object, Place>();
const observed = new WeakMap<object, Observed>();

/** Notes what an observer is for, and where it puts what it is told. */
export function markObserver<T extends object>(observer: T, what: Observed, place?: Place): T {
  observed.set(observer, what);
  if (place !== undefined) places.set(observer, place);
  return observer;
}

/** What an observer of this package is for. */
export function observedBy(observer: object): Observed | undefined {
  return observed.get(observer);
}

/** Returns where an observer puts its data, if it was marked with a place. */
export function placeOf(observer: object): Place | undefined {
  return places.get(observer);
}

/**
 * Adds a place to those of one dialer, pool or client, and warns, once for each factory and name, of one that is there already.
 *
 * @param what - what they observe.
 */
export function addPlace(place: Place, others: readonly Place[], what: string): readonly Place[] {
  const isTwin = ({ factory, name, into }: Place) =>
    factory === place.factory && name === place.name && into === place.into;
  if (others.some(isTwin)) {
    const { factory, name } = place;
    warnOnce(`${factory}: two named ${show(name)} observe one ${what}, and count all twice; leave one out`);
  }
  return [...others, place];
}
