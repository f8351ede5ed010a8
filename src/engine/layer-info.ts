import type { Middleware } from "../core/dialer.ts";
import type { DialEventName } from "../core/trace.ts";
import { functionName } from "../support/function-name.ts";
import { addPlace, type Place } from "../support/observed-places.ts";
import { markMiddleware } from "../support/roles.ts";
import type { CostOf } from "./worst-case.ts";

/** A value of an option, as a description shows it. It holds no secret. */
export type OptionValue = number | string | boolean | readonly string[];

/** Options of a layer by name, as a description shows them; an undefined one is left out. */
export type ShownOptions = Readonly<Record<string, OptionValue | undefined>>;

/** What a layer of this package, or a base dialer, declares about itself. */
export interface LayerTraits {
  /** Name in descriptions and warnings: the factory's. @defaultValue `name`, or `decorator` */
  readonly factory?: string | undefined;
  /** Whether the layer is a part of the layer above it, and not described. */
  readonly isPart?: boolean | undefined;
  /** Name by which `skip` refers to the layer. A layer without a name cannot be skipped. */
  readonly name?: string | undefined;
  /** Whether the layer only observes. A dial's own `timeoutMs` is applied beneath the outermost observers, so that they report it. */
  readonly observes?: boolean | undefined;
  /** Whether the layer limits the time of everything beneath it, and applies a dial's own `timeoutMs`. */
  readonly bounds?: boolean | undefined;
  /** Whether the layer applies a dial's own `timeoutMs` where no layer with `bounds` does. */
  readonly appliesTimeout?: boolean | undefined;
  /** Whether the layer dials again after a failure, and applies a dial's own retry options. */
  readonly retries?: boolean | undefined;
  /** Events that the layer emits, so that metrics start at zero. */
  readonly emits?: readonly DialEventName[] | undefined;
  /** Names of the attributes that the layer takes from a dial's own options. */
  readonly attributes?: readonly string[] | undefined;
  /** Whether the layer replaces the target, so that layers above see only the name of a service. */
  readonly retargets?: boolean | undefined;
  /** Whether the layer keeps state for each target that reaches it. */
  readonly perTarget?: boolean | undefined;
  /** Where the observer puts its data, if two observers with the same place are a mistake. */
  readonly place?: Place | undefined;
  /** Timeout that the layer's options set, with the name of the option, for the comparison with timeouts above the layer. */
  readonly timeout?: { readonly option: string; readonly ms: number } | undefined;
  /** Options that a description shows. Read when the layer is described. */
  readonly options?: (() => ShownOptions) | undefined;
  /** The worst case of the layer, computed from the worst case beneath it. @defaultValue the worst case beneath it */
  readonly worstCase?: ((beneath: CostOf, withinMs: number) => ReturnType<CostOf>) | undefined;
  /** Called at composition with the outermost layer of the dialer that the layer became part of. */
  readonly composed?: ((outermost: Layer) => void) | undefined;
}

/** Kinds of layers: `custom` ones come from outside this package. */
export type LayerKind = "middleware" | "observer" | "base" | "custom" | "custom base";

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

const noInfo: LayerInfo = Object.freeze({
  names: [],
  boundedBy: undefined,
  retriedBy: undefined,
  appliesTimeout: false,
  places: [],
  emits: [],
  attributes: [],
});

/** One layer of a dialer, with those beneath it. Made once per composition; a dial does not read it. */
export class Layer {
  readonly traits: LayerTraits;
  /** Name in descriptions and warnings. */
  readonly title: string;
  readonly kind: LayerKind;
  /** The next layer; beneath a base dialer, the dialers that it dials through. */
  readonly beneath: readonly Layer[];
  /** What is known about this layer and the layers beneath it. */
  readonly info: LayerInfo;

  constructor(traits: LayerTraits, kind: LayerKind, beneath: readonly Layer[]) {
    this.traits = traits;
    this.title = traits.factory ?? traits.name ?? "decorator";
    this.kind = kind;
    this.beneath = beneath;
    this.info = isBase(kind) ? baseInfo(traits, beneath) : withLayer(traits, beneath[0]?.info ?? noInfo);
  }
}

/** Whether layers of this kind end a composition. */
export function isBase(kind: LayerKind): boolean {
  return kind === "base" || kind === "custom base";
}

/** Makes the layer of a base dialer. The layers of the dialers that it dials through cannot be overridden or skipped. */
export function baseLayer(traits: LayerTraits, ...through: readonly object[]): Layer {
  return new Layer(traits, "base", through.map(layerOf));
}

const recordKey: unique symbol = Symbol("dialtrace.layer");

/** What a dialer carries under the one symbol of this package. */
interface LayerRecord<R = unknown> {
  /** How the layers of this package call the dialer; `undefined` for a dialer from outside. */
  readonly run: R | undefined;
  readonly layer: Layer;
  /** Whether `compose` made the dialer. */
  readonly isComposition: boolean;
}

interface WithRecord<R> {
  readonly [recordKey]?: LayerRecord<R>;
}

/** Returns what `dialer` carries, or `undefined` for a dialer from outside. */
export function recordOf<R>(dialer: object): LayerRecord<R> | undefined {
  return (dialer as WithRecord<R>)[recordKey];
}

/** Sets what `dialer` carries. */
export function setRecord(dialer: object, record: LayerRecord): void {
  Object.defineProperty(dialer, recordKey, { value: record, configurable: true });
}

/** Gives each instance of a class a layer, made when it is described. */
export function describeInstances<T extends object>(prototype: T, layerOfInstance: (instance: T) => Layer): void {
  const get = function (this: T): LayerRecord {
    return { run: undefined, layer: layerOfInstance(this), isComposition: false };
  };
  Object.defineProperty(prototype, recordKey, { get, configurable: true });
}

/** Returns the outermost layer of `dialer`. A dialer from outside is a layer of its own. */
export function layerOf(dialer: object): Layer {
  return recordOf(dialer)?.layer ?? new Layer({ factory: functionName(dialer) }, "custom base", []);
}

/** Returns what is known about the layers of `dialer`. */
export function infoOf(dialer: object): LayerInfo {
  return recordOf(dialer)?.layer.info ?? noInfo;
}

/** Tells the layers from `outermost` on that they are part of one dialer. */
export function announce(outermost: Layer): void {
  let layer: Layer | undefined = outermost;
  while (layer !== undefined) {
    layer.traits.composed?.(outermost);
    layer = layer.beneath[0];
  }
}

/** Whether `layer` is `other`, or has it beneath. */
export function contains(layer: Layer, other: Layer): boolean {
  return layer === other || layer.beneath.some((each) => contains(each, other));
}

/**
 * Adds the layers beneath to a dialer that a middleware returned. A middleware from outside says nothing about what it
 * wraps.
 *
 * @returns the dialer, or one that calls it: a dialer of this package or a frozen one stays as it is.
 */
export function withBeneath<D extends (...args: never[]) => unknown>(dialer: D, beneath: Layer): D {
  const own = recordOf(dialer);
  const isOutside = own?.run === undefined;
  // An outside function may wrap other layers in this composition than in an earlier one.
  const layer = isOutside
    ? new Layer({ factory: functionName(dialer) }, "custom", [beneath])
    : joined(own.layer, beneath);
  if (layer === own?.layer) return dialer;
  const carrier = isOutside && Object.isExtensible(dialer) ? dialer : (((...args) => dialer(...args)) as D);
  setRecord(carrier, { run: own?.run, layer, isComposition: own?.isComposition ?? false });
  return carrier;
}

/** Puts the layers of `own` above `beneath`, unless they contain it: an outside base among them is then a middleware. */
function joined(own: Layer, beneath: Layer): Layer {
  if (contains(own, beneath)) return own;
  const [next] = own.beneath;
  if (own.kind === "custom base" || next === undefined) return new Layer(own.traits, kindOver(own.kind), [beneath]);
  return new Layer(own.traits, kindOver(own.kind), [joined(next, beneath)]);
}

function kindOver(kind: LayerKind): LayerKind {
  if (kind === "custom base") return "custom";
  return kind === "base" ? "middleware" : kind;
}

/** Returns the info of a dialer that has one more layer on top of `beneath`. */
function withLayer(traits: LayerTraits, beneath: LayerInfo): LayerInfo {
  const { name, place, bounds, retries, appliesTimeout, emits = [], attributes = [] } = traits;
  const info: LayerInfo = {
    ...beneath,
    places: place === undefined ? beneath.places : addPlace(place, beneath.places, "dialer"),
    appliesTimeout: beneath.appliesTimeout || appliesTimeout === true,
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

/** The layers that a base dialer dials through cannot be overridden or skipped, but they observe and emit. */
function baseInfo({ emits = [] }: LayerTraits, through: readonly Layer[]): LayerInfo {
  return {
    ...noInfo,
    places: through.flatMap(({ info }) => info.places),
    emits: union(emits, ...through.map(({ info }) => info.emits)),
  };
}

function union<T>(...lists: readonly (readonly T[])[]): readonly T[] {
  return [...new Set(lists.flat())];
}

/** Marks a middleware as one that only observes. */
export function asObserver(middleware: Middleware): Middleware {
  markMiddleware(middleware, true);
  return middleware;
}
