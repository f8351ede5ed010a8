import type { Duplex } from "node:stream";
import { abortable } from "../async/abortable.ts";
import { Cancel } from "../async/cancel.ts";
import { checkedClock, givenClock } from "../async/checked-clock.ts";
import { type Clock, systemClock } from "../async/clock.ts";
import type { CallOptions, Dialer, DialOptions, Handshake, Middleware } from "../core/dialer.ts";
import { parseTargetOf, type Target, type TargetLike } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import { discard, isConnection } from "../support/connection.ts";
import { asMistake } from "../support/returned.ts";
import { markDialer, markMiddleware } from "../support/roles.ts";
import { checkDialer, show } from "../support/validate.ts";
import { checkDialAttributes, type DialAttributes } from "./dial-attributes.ts";
import { checkDialOptions } from "./dial-options.ts";
import { type DialOverrides, overridesOf, skips } from "./dial-overrides.ts";
import { type DialState, insideAttempt } from "./dial-state.ts";
import { chainOf } from "./hook-chain.ts";
import {
  announce,
  infoOf,
  Layer,
  type LayerInfo,
  type LayerTraits,
  layerOf,
  recordOf,
  setRecord,
} from "./layer-info.ts";

/** What each layer of a dial passes to the next: {@link DialOptions}, checked and completed. */
export interface DialContext<C extends Duplex> {
  readonly cancel: Cancel | undefined;
  readonly trace: DialTrace | undefined;
  readonly handshake: Handshake<C> | undefined;
  readonly background: boolean;
  readonly owner: object | undefined;
  /** The dial's own attributes, for observers. */
  readonly attributes: DialAttributes | undefined;
  readonly clock: Clock;
  /** What the layers of one dial share; set by the outermost composition. */
  readonly state: DialState | undefined;
  /** Whether a retrying layer is above: timeouts below it limit one attempt. */
  readonly insideRetry: boolean;
  /** The nearest deadline above, by the clock, for layers that plan ahead; `cancel` enforces it. */
  readonly deadline: number | undefined;
  /** Overrides of the options that the layers beneath were made with; usually none. */
  readonly call: DialOverrides | undefined;
  /** Wraps calls of base dialers, but not of handshakes. */
  readonly runInContext: RunInContext | undefined;
}

/** Calls `work` in an observer's own context, such as an async context, and returns its result. */
export type RunInContext = <T>(work: () => T) => T;

/** A dialer as the layers of this package call it: target parsed, context complete. Rejects, never throws. */
export type Run<C extends Duplex> = (target: Target, context: DialContext<C>) => Promise<C>;

/** On the options for a dialer from outside: the context that they were made from, and the state of what it dials. */
const contextKey: unique symbol = Symbol("dialtrace.context");
const stateKey: unique symbol = Symbol("dialtrace.state");

interface WithContext<C extends Duplex> {
  [contextKey]?: DialContext<C>;
  [stateKey]?: DialState | undefined;
}

const emptyContext: DialContext<never> = Object.freeze({
  cancel: undefined,
  trace: undefined,
  handshake: undefined,
  background: false,
  owner: undefined,
  attributes: undefined,
  clock: systemClock,
  state: undefined,
  insideRetry: false,
  deadline: undefined,
  call: undefined,
  runInContext: undefined,
});

/** The layer of a dialer that is not described. */
const anyLayer = new Layer({ factory: "dialer" }, "custom base", []);

/** Wraps a `Run` as a public `Dialer`, whose outermost layer is `layer`. */
export function dialerOf<C extends Duplex>(run: Run<C>, layer = anyLayer, isComposition = false): Dialer<C> {
  const dial = (targetLike: TargetLike, options?: DialOptions<C>): Promise<C> => {
    try {
      return run(parseTargetOf("dial", targetLike), contextOf(options, dial));
    } catch (error) {
      return Promise.reject(error);
    }
  };
  setRecord(dial, { run, layer, isComposition });
  markDialer(dial);
  return dial;
}

/**
 * Returns the `Run` of a dialer. A dialer from outside gets plain options and a real `AbortSignal`, its result is
 * checked, and it settles within a turn of an abort even if it ignores the signal.
 */
export function runOf<C extends Duplex>(dialer: Dialer<C>): Run<C> {
  const run = recordOf<Run<C>>(dialer)?.run;
  if (run !== undefined) return run;
  return function outsideDialer(target, context) {
    return abortable(() => checked(dialer, target, context), context.cancel);
  };
}

async function checked<C extends Duplex>(dialer: Dialer<C>, target: Target, context: DialContext<C>): Promise<C> {
  const conn: unknown = await dialer(target, optionsOf(context));
  if (isConnection(conn)) return conn as C;
  // Without this, a connection that a decorator does not return would leak.
  discard(context.state?.conn);
  throw asMistake(
    new TypeError(
      `compose: a layer must resolve with a connection, got ${show(conn)}; return what next() resolves with`,
    ),
  );
}

/**
 * As {@link runOf}, for the base dialer of a composition: it is called inside an attempt, which runs the handshake and
 * guards and checks the result.
 */
export function runOfBase<C extends Duplex>(base: Dialer<C>): Run<C> {
  const run = recordOf<Run<C>>(base)?.run;
  if (run === undefined) return (target, context) => base(target, baseOptionsOf(context));
  return (target, context) => run(target, { ...context, handshake: undefined, state: insideAttempt, call: undefined });
}

/** Makes a middleware from a wrapper around a `Run`. */
export function layer(
  wrap: <C extends Duplex>(next: Run<C>, beneath: LayerInfo) => Run<C>,
  traits: LayerTraits = {},
): Middleware {
  const middleware: Middleware = (next) => {
    checkDialer(`${traits.name ?? "middleware"}: next`, next);
    const beneath = runOf(next);
    const layer = new Layer(traits, traits.observes ? "observer" : "middleware", [layerOf(next)]);
    announce(layer);
    return dialerOf(skippable(wrap(beneath, infoOf(next)), beneath, traits.name), layer);
  };
  markMiddleware(middleware, traits.observes);
  return middleware;
}

function skippable<C extends Duplex>(run: Run<C>, beneath: Run<C>, name: string | undefined): Run<C> {
  if (name === undefined) return run;
  return function skippableDialer(target, context) {
    return context.call !== undefined && skips(context.call, name) ? beneath(target, context) : run(target, context);
  };
}

function optionsOf<C extends Duplex>(context: DialContext<C>): DialOptions<C> {
  const options = baseOptionsOf(context, context.state);
  options.handshake = context.handshake;
  return context.call === undefined ? options : Object.assign(options, context.call);
}

function baseOptionsOf<C extends Duplex>(context: DialContext<C>, state = insideAttempt): DialOptions<C> {
  const { cancel, trace, background, owner, attributes, clock } = context;
  const options: DialOptions<C> & WithContext<C> = { [contextKey]: context, [stateKey]: state };
  if (cancel !== undefined) Object.defineProperty(options, "signal", lazySignal);
  options.trace = trace;
  options.handshake = undefined;
  options.background = background;
  options.owner = owner;
  options.attributes = attributes;
  options.clock = givenClock(clock);
  return options;
}

/**
 * Own and enumerable, so that a decorator's `{ ...options }` keeps it; lazy, because making a signal is slow. One
 * descriptor for all dials, defined before the other options: a getter in the literal takes ten times as long, one
 * defined last three times.
 */
const lazySignal: PropertyDescriptor & ThisType<WithContext<never>> = {
  enumerable: true,
  configurable: true,
  get() {
    return this[contextKey]?.cancel?.signal;
  },
};

/**
 * Checks and completes the options of a dial. A decorator from outside may have changed any of them: its changes win,
 * the rest is inherited.
 */
export function contextOf<C extends Duplex>(
  options: (DialOptions<C> & WithContext<C>) | undefined,
  dialer: Dialer<C>,
  what = "dial",
): DialContext<C> {
  if (options === undefined) return emptyContext as DialContext<never> as never;
  const inherited = options?.[contextKey] ?? (emptyContext as never as DialContext<C>);
  checkDialOptions(what, options, inherited.trace);
  const { signal, handshake, background = false, owner, attributes } = options;
  const clock = options.clock === undefined ? systemClock : checkedClock(`${what}: clock`, options.clock);
  if (attributes !== undefined && attributes !== inherited.attributes) {
    checkDialAttributes(what, attributes, inherited.attributes, infoOf(dialer).attributes);
  }
  const cancel = signal && Cancel.of(signal);
  const given = options.trace;
  const trace = given === undefined || given === inherited.trace ? given : chainOf(given);
  const { insideRetry, runInContext } = inherited;
  const state = options[stateKey];
  // Times of two clocks cannot be compared.
  const deadline = clock === inherited.clock ? inherited.deadline : undefined;
  // The base dialer's own overrides are new, whatever the dial's were.
  const above = state?.insideAttempt ? undefined : inherited.call;
  const call = asks(options) ? overridesOf(options, above, infoOf(dialer), what) : undefined;
  return {
    cancel,
    trace,
    handshake,
    background,
    owner,
    attributes,
    clock,
    state,
    insideRetry,
    deadline,
    call,
    runInContext,
  };
}

function asks(options: CallOptions): boolean {
  return (
    options.timeoutMs !== undefined ||
    options.maxAttempts !== undefined ||
    options.backoff !== undefined ||
    options.backoffBeforeFirst !== undefined ||
    options.shouldRetry !== undefined ||
    options.skip !== undefined
  );
}
