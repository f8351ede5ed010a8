import { callHook } from "../core/hooks.ts";
import { type DialEventInfo, type DialEventName, type DialTrace, inheritedEvents } from "../core/trace.ts";

/** One bit for each inherited event, by its place in the table. */
export type EventMask = number;

const bitOf = new Map<DialEventName, EventMask>(inheritedEvents.map((name, index) => [name, 1 << index]));

/** On hooks, or on their prototype: the events that they handle, so that attaching them looks at no method. */
export const handledKey: unique symbol = Symbol("dialtrace.handled");
const chainKey: unique symbol = Symbol("dialtrace.chain");

/**
 * The observers of one dial from a layer upwards, newest first, as Go's `WithClientTrace` calls them. Each
 * layer adds one link; nothing is made per event. A hook reads as `undefined` when no observer wants the
 * event, so that `trace?.connectStart?.({ … })` builds no info object then.
 *
 * `dialStart` and `dialDone` belong to the layer that attaches them and are not inherited.
 */
export class HookChain {
  /** Lets a copy made by `{ ...trace }` be recognized: getters are not copied, this is. */
  readonly [chainKey]: HookChain = this;
  readonly #hooks: DialTrace;
  readonly #own: EventMask;
  readonly #hidden: EventMask;
  readonly #next: HookChain | undefined;
  readonly #wanted: EventMask;
  readonly #ofCaller: boolean;

  constructor(hooks: DialTrace, next: HookChain | undefined, hidden: EventMask = 0, ofCaller = false) {
    this.#hooks = hooks;
    this.#own = maskOf(hooks);
    this.#hidden = hidden;
    this.#next = next;
    this.#wanted = next === undefined ? this.#own : this.#own | (next.#wanted & ~hidden);
    this.#ofCaller = ofCaller;
  }

  /** The caller's own hooks, when this chain was made of them: they are told of the dial itself as well. */
  get ofCaller(): DialTrace | undefined {
    return this.#ofCaller ? this.#hooks : undefined;
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
        // A function of its own, so that `const { connectStart } = trace` works; made only for a wanted event.
        get(this: HookChain) {
          return (this.#wanted & bit) === 0 ? undefined : (info: never) => this.emit(name, info);
        },
      });
    }
  }
}

/** As `trace?.[name] !== undefined`, without making the hook. */
export function wants(trace: DialTrace | undefined, name: DialEventName): boolean {
  return trace !== undefined && (trace as HookChain).wants(name);
}

/** As `trace?.[name]?.(info)`, without making the hook. Where no info may be built in vain, ask {@link wants} first. */
export function emit<N extends DialEventName>(trace: DialTrace | undefined, name: N, info: DialEventInfo<N>): void {
  if (wants(trace, name)) (trace as HookChain).emit(name, info);
}

/** Puts an observer's hooks in front of those above it. */
export function addHooks(hooks: DialTrace, above: DialTrace | undefined): DialTrace {
  return new HookChain(hooks, above as HookChain | undefined) as DialTrace;
}

/**
 * Makes a chain of the hooks that came with one dial. A decorator may have copied a chain and set hooks of
 * its own on the copy: those replace what they name, and the rest of the chain stays.
 */
export function chainOf(given: DialTrace): DialTrace {
  const copied = (given as { [chainKey]?: HookChain })[chainKey];
  if (copied === given) return given;
  if (copied === undefined) return new HookChain(given, undefined, 0, true) as DialTrace;
  let hidden = 0;
  for (const [name, bit] of bitOf) if (Object.hasOwn(given, name)) hidden |= bit;
  return new HookChain(given, copied, hidden, true) as DialTrace;
}

/** The hooks to tell of the dial itself where a composition begins. */
export function callersHooks(trace: DialTrace): DialTrace {
  return (trace as HookChain).ofCaller ?? none;
}

const none: DialTrace = Object.freeze({});

/** Notes which events the instances of a class handle. A subclass that handles more must call it too. */
export function noteHandled(prototype: DialTrace): void {
  Object.defineProperty(prototype, handledKey, { value: readMask(prototype) });
}

/** The mask of a few events; those that are not inherited have no bit. */
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
