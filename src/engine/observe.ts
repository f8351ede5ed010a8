import type { Duplex } from "node:stream";
import type { Middleware } from "../core/dialer.ts";
import { callHook, hooksOf } from "../core/hooks.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace, Observer } from "../core/trace.ts";
import type { Place } from "../support/observed-places.ts";
import { type DialContext, layer, type Run } from "./context.ts";
import { addHooks } from "./hook-chain.ts";
import type { LayerTraits } from "./layer-info.ts";
import { outcomeOf } from "./outcome.ts";

interface AttachOptions {
  readonly name?: string;
  readonly place?: Place;
  /** Name in a description. @defaultValue the name of the place; without either, the layer is a part of the layer above it */
  readonly factory?: string;
  readonly composed?: LayerTraits["composed"];
}

/**
 * Attaches an observer at this position in the layers: it gets the start and end of the dial at this layer and all
 * events of the layers below. All observers, including those of this package, are attached here. A `name` allows
 * dials to skip the observer; a `place` causes a warning about a second one in the same dialer.
 */
export function attach(observer: DialTrace | Observer, options: AttachOptions = {}): Middleware {
  const { name, place, factory = place?.factory, composed } = options;
  const shown = place === undefined || place.name === name ? undefined : () => ({ name: place.name });
  const traits = {
    factory,
    isPart: factory === undefined,
    observes: true,
    place,
    name,
    composed,
    options: shown,
  };
  if (typeof observer === "function") {
    return layer(
      (next) =>
        function observeDialer(target, context) {
          const { background, owner, clock, state } = context;
          const hooks = hooksOf(observer, { target, background, owner, traceId: state?.traceId }, clock);
          if (hooks === undefined) return next(target, context);
          return observed(next, target, context, hooks, addHooks(hooks, context.trace));
        },
      traits,
    );
  }
  return layer(observing(observer), traits);
}

/** Wraps a dialer in hooks that all dials share. */
export function observing(hooks: DialTrace): <C extends Duplex>(next: Run<C>) => Run<C> {
  const alone = addHooks(hooks, undefined);
  return (next) =>
    function observeDialer(target, context) {
      const trace = context.trace === undefined ? alone : addHooks(hooks, context.trace);
      return observed(next, target, context, hooks, trace);
    };
}

/** Runs one dial with `trace` for the layers below, and calls the dial hooks of `hooks`. */
export function observed<C extends Duplex>(
  next: Run<C>,
  target: Target,
  context: DialContext<C>,
  hooks: DialTrace,
  trace: DialTrace,
): Promise<C> {
  const { background, owner, state } = context;
  if (hooks.dialStart !== undefined) {
    callHook(hooks, "dialStart", { target, background, owner, traceId: state?.traceId });
  }
  const dial = new ObservedDial(hooks, target, context as never);
  // Not an async function: those allocate twice as much.
  return next(target, { ...context, trace }).then(
    (conn) => dial.succeed(conn),
    (error) => dial.fail(error),
  );
}

class ObservedDial {
  readonly #hooks: DialTrace;
  readonly #target: Target;
  readonly #context: DialContext<never>;
  readonly #attemptsBefore: number;
  readonly #startedAt: number;

  constructor(hooks: DialTrace, target: Target, context: DialContext<never>) {
    this.#hooks = hooks;
    this.#target = target;
    this.#context = context;
    this.#attemptsBefore = context.state?.attempts ?? 0;
    this.#startedAt = context.clock.now();
  }

  succeed<C extends Duplex>(conn: C): C {
    if (this.#hooks.dialDone !== undefined) {
      const { attempts, durationMs } = this.#measured();
      callHook(this.#hooks, "dialDone", { target: this.#target, attempts, durationMs, outcome: "success", conn });
    }
    return conn;
  }

  fail(thrown: unknown): never {
    const ended = outcomeOf(thrown, this.#context.cancel);
    callHook(this.#hooks, "dialDone", { target: this.#target, ...this.#measured(), ...ended });
    throw ended.error;
  }

  #measured() {
    const { state, clock } = this.#context;
    const attempts = (state?.attempts ?? 0) - this.#attemptsBefore;
    return { attempts, durationMs: clock.now() - this.#startedAt };
  }
}
