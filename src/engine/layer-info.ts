import type { Middleware } from "../core/dialer.ts";
import { addPlace, type Place } from "../support/observed-places.ts";
import { markMiddleware } from "../support/roles.ts";

/** What is known of a layer of this package. */
export interface LayerTraits {
  /** What `skip` calls it by. A layer without a name can't be skipped. */
  readonly name?: string;
  /** Whether it only watches. A bound that a caller asks for stands beneath the outermost of these, so that they are told of it. */
  readonly observes?: boolean;
  /** Where it puts what it observes, if two of one place are a mistake. */
  readonly place?: Place | undefined;
}

/** What a dialer is made of, as far as that is known: its callers may ask for no more than it has. */
export interface Makeup {
  /** Names of its layers, outermost first, each once. */
  readonly names: readonly string[];
  /** Whether a `withTimeout` of its own bounds the whole dial: one that no `withRetry` stands above. */
  readonly bounded: boolean;
  /** Whether it makes such a bound itself where it has none. */
  readonly makesBound: boolean;
  /** Where its observers put what they observe. */
  readonly places: readonly Place[];
}

const unknown: Makeup = Object.freeze({ names: [], bounded: false, makesBound: false, places: [] });

const makeups = new WeakMap<object, Makeup>();
const observers = new WeakSet<object>();

export function makeupOf(dialer: object): Makeup {
  return makeups.get(dialer) ?? unknown;
}

export function setMakeup(dialer: object, makeup: Makeup): void {
  makeups.set(dialer, makeup);
}

/** What a layer makes of what is beneath it. */
export function withLayer({ name, place }: LayerTraits, dialer: Makeup): Makeup {
  const beneath = place === undefined ? dialer : { ...dialer, places: addPlace(place, dialer.places, "dialer") };
  if (name === undefined) return beneath;
  const names = beneath.names.includes(name) ? beneath.names : [name, ...beneath.names];
  if (name === "timeout") return { ...beneath, names, bounded: true };
  // What is bounded beneath a retry is an attempt.
  if (name === "retry") return { ...beneath, names, bounded: false, makesBound: false };
  return { ...beneath, names };
}

/** What a base dialer that dials by others lets show of them: none of their layers can be asked for anything. */
export function placesOf(...dialers: readonly object[]): Makeup {
  return { ...unknown, places: dialers.flatMap((each) => makeupOf(each).places) };
}

/** Notes what is beneath a dialer that a decorator made: one from outside says nothing of it, and hides what it wraps. */
export function setBeneath(dialer: object, beneath: Makeup): void {
  const own = makeups.get(dialer);
  if (own === undefined) {
    makeups.set(dialer, beneath);
    return;
  }
  const retries = own.names.includes("retry");
  makeups.set(dialer, {
    names: [...new Set([...own.names, ...beneath.names])],
    bounded: own.bounded || (beneath.bounded && !retries),
    makesBound: own.makesBound || (beneath.makesBound && !retries),
    places: [...new Set([...own.places, ...beneath.places])],
  });
}

/** Marks a middleware as one that only watches. */
export function asObserver(middleware: Middleware): Middleware {
  observers.add(middleware);
  markMiddleware(middleware);
  return middleware;
}

export function isObserver(middleware: unknown): boolean {
  return observers.has(middleware as object);
}
