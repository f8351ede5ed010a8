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

const places = new WeakMap<object, Place>();

/** Notes where an observer of pools or clients puts what it is told. */
export function withPlace<T extends object>(observer: T, place: Place): T {
  places.set(observer, place);
  return observer;
}

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
