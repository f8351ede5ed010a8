import type { Middleware } from "../core/dialer.ts";
import type { DialEventName } from "../core/trace.ts";
import { addPlace, type Place } from "../support/observed-places.ts";
import { markMiddleware } from "../support/roles.ts";

/** What a layer of this package declares about itself. */
export interface LayerTraits {
  /** Name by which `skip` refers to the layer. A layer without a name cannot be skipped. */
  readonly name?: string;
  /** Whether the layer only observes. A dial's own `timeoutMs` is applied beneath the outermost observers, so that they report it. */
  readonly observes?: boolean;
  /** Whether the layer limits the time of everything beneath it, and applies a dial's own `timeoutMs`. */
  readonly bounds?: boolean;
  /** Whether the layer dials again after a failure, and applies a dial's own retry options. */
  readonly retries?: boolean;
  /** Events that the layer emits, so that metrics start at zero. */
  readonly emits?: readonly DialEventName[];
  /** Names of the attributes that the layer takes from a dial's own options. */
  readonly attributes?: readonly string[];
  /** Where the observer puts its data, if two observers with the same place are a mistake. */
  readonly place?: Place | undefined;
}

/** What is known about the layers of a dialer. A dial may override only options that one of them applies. */
export interface LayerInfo {
  /** Names of the layers that can be skipped, outermost first, each once. */
  readonly names: readonly string[];
  /** Name of the layer that limits the time of the whole dial: one without a retrying layer above it. */
  readonly boundedBy: string | undefined;
  /** Name of the layer that retries. */
  readonly retriedBy: string | undefined;
  /** Whether a dial's own `timeoutMs` is applied even if no layer limits the whole dial. */
  readonly appliesTimeout: boolean;
  /** Where the observers put their data. */
  readonly places: readonly Place[];
  /** Events that the layers and the base dialer emit, as far as known. */
  readonly emits: readonly DialEventName[];
  /** Names of the attributes that layers take from a dial's own options. */
  readonly attributes: readonly string[];
}

/** The info of a dialer whose layers are unknown. */
export const noInfo: LayerInfo = Object.freeze({
  names: [],
  boundedBy: undefined,
  retriedBy: undefined,
  appliesTimeout: false,
  places: [],
  emits: [],
  attributes: [],
});

const layerKey: unique symbol = Symbol("dialtrace.layer");

/** Data stored on a dialer under this package's symbol. */
interface LayerRecord<R = unknown> {
  /** How the layers of this package call the dialer; `undefined` for a dialer from outside. */
  readonly run: R | undefined;
  readonly info: LayerInfo;
  /** Whether `compose` made the dialer. */
  readonly isComposition: boolean;
}

interface WithLayer<R> {
  readonly [layerKey]?: LayerRecord<R>;
}

/** Returns the data stored on `dialer`, or `undefined` for a dialer from outside. */
export function layerOf<R>(dialer: object): LayerRecord<R> | undefined {
  return (dialer as WithLayer<R>)[layerKey];
}

/** Stores data on `dialer`. */
export function setLayer(dialer: object, record: LayerRecord): void {
  Object.defineProperty(dialer, layerKey, { value: record, configurable: true });
}

/** Returns what is known about the layers of `dialer`. */
export function infoOf(dialer: object): LayerInfo {
  return layerOf(dialer)?.info ?? noInfo;
}

/** Returns the info of a dialer that has one more layer on top of `beneath`. */
export function withLayer(traits: LayerTraits, beneath: LayerInfo): LayerInfo {
  const { name, place, bounds, retries, emits = [], attributes = [] } = traits;
  const info: LayerInfo = {
    ...beneath,
    places: place === undefined ? beneath.places : addPlace(place, beneath.places, "dialer"),
    emits: union(emits, beneath.emits),
    attributes: union(attributes, beneath.attributes),
  };
  if (name === undefined) return info;
  const names = info.names.includes(name) ? info.names : [name, ...info.names];
  if (bounds) return { ...info, names, boundedBy: name };
  // Timeouts beneath a retry limit an attempt, not the dial.
  if (retries) return { ...info, names, retriedBy: name, boundedBy: undefined, appliesTimeout: false };
  return { ...info, names };
}

/**
 * Returns the info of a base dialer that emits `emits`, and may dial through other dialers: their layers cannot be
 * overridden or skipped.
 */
export function baseInfo(emits: readonly DialEventName[], ...dialers: readonly object[]): LayerInfo {
  const beneath = dialers.map(infoOf);
  return {
    ...noInfo,
    places: beneath.flatMap((each) => each.places),
    emits: union(emits, ...beneath.map((each) => each.emits)),
  };
}

function union<T>(...lists: readonly (readonly T[])[]): readonly T[] {
  return [...new Set(lists.flat())];
}

/**
 * Adds the info of the layers beneath to a dialer that a middleware returned. A middleware from outside does not
 * declare which dialer it wraps.
 *
 * @returns the dialer, or one that calls it, if it is frozen.
 */
export function withBeneath<D extends (...args: never[]) => unknown>(dialer: D, beneath: LayerInfo): D {
  const own = layerOf(dialer);
  const carrier = Object.isExtensible(dialer) ? dialer : (((...args) => dialer(...args)) as D);
  const info = own === undefined ? beneath : merged(own.info, beneath);
  setLayer(carrier, { run: own?.run, info, isComposition: own?.isComposition ?? false });
  return carrier;
}

function merged(own: LayerInfo, beneath: LayerInfo): LayerInfo {
  const bounding = own.retriedBy === undefined ? beneath : noInfo;
  return {
    names: union(own.names, beneath.names),
    boundedBy: own.boundedBy ?? bounding.boundedBy,
    retriedBy: own.retriedBy ?? beneath.retriedBy,
    appliesTimeout: own.appliesTimeout || bounding.appliesTimeout,
    places: union(own.places, beneath.places),
    emits: union(own.emits, beneath.emits),
    attributes: union(own.attributes, beneath.attributes),
  };
}

/** Marks a middleware as one that only observes. */
export function asObserver(middleware: Middleware): Middleware {
  markMiddleware(middleware, true);
  return middleware;
}
