import { callHook } from "../core/hooks.ts";
import { type DialEventInfo, type DialEventName, type DialTrace, inheritedEvents } from "../core/trace.ts";

/** One bit for each inherited event, by its place in the table. */
export type EventMask = number;

const bitOf = new Map<DialEventName, EventMask>(inheritedEvents.map((name, index) => [name, 1 << index]));

/** Property of hooks or their prototype: the events that they handle, so that attaching them reads no methods. */
export const handledKey: unique symbol = Symbol("dialtrace.handled");
const chainKey: unique symbol = Symbol("dialtrace.chain");

/**
 * The observers of one dial from a layer upwards, called newest first as by Go's `WithClientTrace`. Each layer adds
 * one link; events allocate nothing. A hook reads as `undefined` if no observer handles the event, so that
 * `trace?.connectStart?.({ … })` creates no event object.
 *
 * `dialStart` and `dialDone` belong to the layer that attaches them and are not inherited.
 */
export class HookChain {
  /** Marks copies made by `{ ...trace }`: getters are not copied, but this property is. */
  readonly [chainKey]: HookChain = this;
  readonly #hooks: DialTrace;
  readonly #own: EventMask;
  readonly #hidden: EventMask;
  readonly #next: HookChain | undefined;
  readonly #wanted: EventMask;
  readonly #ofCaller: DialTrace | undefined;
  /** Whether a layer has attached hooks, besides the caller's own. */
  readonly hasLayer: boolean;

  constructor(hooks: DialTrace, next: HookChain | undefined, hidden: EventMask = 0, ofCaller?: DialTrace) {
    this.#hooks = hooks;
    this.#own = maskOf(hooks);
    this.#hidden = hidden;
    this.#next = next;
    this.#wanted = next === undefined ? this.#own : this.#own | (next.#wanted & ~hidden);
    this.#ofCaller = ofCaller;
    this.hasLayer = ofCaller === undefined || next?.hasLayer === true;
  }

  /** The caller's own hooks, if this chain was created for them: they also get `dialStart` and `dialDone`. */
  get ofCaller(): DialTrace | undefined {
    return this.#ofCaller;
  }

  /** Whether an observer handles the event. */
  wants(name: DialEventName): boolean {
    return (this.#wanted & (bitOf.get(name) ?? 0)) !== 0;
  }

  emit(name: DialEventName, info: unknown): void {
    const bit = bitOf.get(name) ?? 0;
    for (let link: HookChain | undefined = this; link !== undefined; link = link.#next) {
      if ((link.#own & bit) !== 0) callHook(link.#hooks, name, info as never);
      if ((link.#hidden & bit) !== 0) return;
    }
  }

  static {
    for (const [name, bit] of bitOf) {
      Object.defineProperty(HookChain.prototype, name, {
        // A standalone function, so that `const { connectStart } = trace` works; created only for a handled event.
        get(this: HookChain) {
          return (this.#wanted & bit) === 0 ? undefined : (info: never) => this.emit(name, info);
        },
      });
    }
  }
}

/** Whether a layer observes a dial, besides hooks in the dial's own options. */
export function isObserved(trace: DialTrace | undefined): boolean {
  return trace !== undefined && (trace as HookChain).hasLayer;
}

/** As `trace?.[name] !== undefined`, without creating the hook. */
export function wants(trace: DialTrace | undefined, name: DialEventName): boolean {
  return trace !== undefined && (trace as HookChain).wants(name);
}

/** As `trace?.[name]?.(info)`, without creating the hook. Call {@link wants} first to avoid creating an unused `info`. */
export function emit<N extends DialEventName>(trace: DialTrace | undefined, name: N, info: DialEventInfo<N>): void {
  if (wants(trace, name)) (trace as HookChain).emit(name, info);
}

/** Adds the hooks of an observer to the chain of the layers above it. */
export function addHooks(hooks: DialTrace, above: DialTrace | undefined): DialTrace {
  return new HookChain(hooks, above as HookChain | undefined) as DialTrace;
}

/**
 * As {@link addHooks}, for a dial that has not entered its composition yet: the caller's own hooks, which are above, still
 * get `dialStart` and `dialDone` there.
 */
export function addToCaller(hooks: DialTrace, caller: DialTrace | undefined): DialTrace {
  const above = caller as HookChain | undefined;
  return new HookChain(hooks, above, 0, above?.ofCaller) as DialTrace;
}

/**
 * Creates a chain from the hooks passed to one dial. A decorator may have copied a chain and set hooks on the copy:
 * these replace the hooks of the same name, and the rest of the chain is kept.
 */
export function chainOf(given: DialTrace): DialTrace {
  const copied = (given as { [chainKey]?: HookChain })[chainKey];
  if (copied === given) return given;
  if (copied === undefined) return new HookChain(given, undefined, 0, given) as DialTrace;
  let hidden = 0;
  for (const [name, bit] of bitOf) if (Object.hasOwn(given, name)) hidden |= bit;
  return new HookChain(given, copied, hidden, given) as DialTrace;
}

/** Returns the hooks that get `dialStart` and `dialDone` of a composition. */
export function callersHooks(trace: DialTrace): DialTrace {
  return (trace as HookChain).ofCaller ?? none;
}

const none: DialTrace = Object.freeze({});

/** Records the events that instances of a class handle. A subclass that handles more events must call it too. */
export function noteHandled(prototype: DialTrace): void {
  Object.defineProperty(prototype, handledKey, { value: readMask(prototype) });
}

/** Returns the mask of a few events; events that are not inherited have no bit. */
export function maskFor(names: readonly DialEventName[]): EventMask {
  return names.reduce((mask, name) => mask | (bitOf.get(name) ?? 0), 0);
}

function maskOf(hooks: DialTrace): EventMask {
  return (hooks as { [handledKey]?: EventMask })[handledKey] ?? readMask(hooks);
}

function readMask(hooks: DialTrace): EventMask {
  let mask = 0;
  for (const [name, bit] of bitOf) if (hooks[name] !== undefined) mask |= bit;
  return mask;
}
