import { show } from "./validate.ts";
import { warnOnce } from "./warn.ts";

/** Destination and name of the data of an observer. Two observers with the same place count everything twice. */
export interface Place {
  /** The factory, such as `withPrometheus`. */
  readonly factory: string;
  /** The name of the observer, given or default. */
  readonly name: string;
  /** The registry, provider or logger; `undefined` for the global one. */
  readonly into?: object | undefined;
}

/** Kinds of observed objects. */
export type Observed = "dials" | "pools" | "clients";

const places = new WeakMap<object, Place>();
const observed = new WeakMap<object, Observed>();

/** Marks an observer with the kind of object that it observes and the place of its data. */
export function markObserver<T extends object>(observer: T, what: Observed, place?: Place): T {
  observed.set(observer, what);
  if (place !== undefined) places.set(observer, place);
  return observer;
}

/** Returns the kind of object that an observer of this package observes. */
export function observedBy(observer: object): Observed | undefined {
  return observed.get(observer);
}

/** Returns where an observer puts its data, if it was marked with a place. */
export function placeOf(observer: object): Place | undefined {
  return places.get(observer);
}

/**
 * Adds a place to the places of one dialer, pool or client. Warns about a duplicate, once per factory and name.
 *
 * @param what - kind of the observed object.
 */
export function addPlace(place: Place, others: readonly Place[], what: string): readonly Place[] {
  const isTwin = ({ factory, name, into }: Place) =>
    factory === place.factory && name === place.name && into === place.into;
  if (others.some(isTwin)) {
    const { factory, name } = place;
    warnOnce(
      `${factory}: two observers named ${show(name)} observe one ${what} and count everything twice; remove one`,
    );
  }
  return [...others, place];
}
