import type { Duplex } from "node:stream";
import { abortable } from "../async/abortable.ts";
import type { Dialer, Middleware } from "../core/dialer.ts";
import { observedBy } from "../support/observed-places.ts";
import { handleRejection } from "../support/returned.ts";
import { markFactories, roleOf } from "../support/roles.ts";
import { checkFunction, invalid, show } from "../support/validate.ts";
import { attempting } from "./attempt.ts";
import { applyingOwnTimeout } from "./bound.ts";
import { dialerOf, type Run, runOf } from "./context.ts";
import { DialState } from "./dial-state.ts";
import { callersHooks } from "./hook-chain.ts";
import { announce, baseLayer, infoOf, isBase, Layer, layerOf, recordOf, withBeneath } from "./layer-info.ts";
import { observed } from "./observe.ts";

/**
 * Builds a dialer from layers, outermost first; the base dialer is last. The order matters: `withTimeout` above
 * `withRetry` limits the whole dial, and below it limits each attempt.
 *
 * A composed dialer may serve as the base of another composition: attempts are still counted once.
 *
 * @throws TypeError if a layer is not a function or is in the wrong position.
 * @example
 * const dial = compose(withTimeout({ timeoutMs: 10_000 }), withRetry(), tcp());
 * const socket = await dial("db.internal:5432");
 */
export function compose<C extends Duplex>(...layers: [...Middleware[], Dialer<C>]): Dialer<C> {
  checkLayers(layers);
  const base = layers.at(-1) as Dialer<C>;

  const middlewares = layers.slice(0, -1) as Middleware[];
  const isComposition = recordOf(base)?.isComposition === true;
  let stack = isComposition ? base : dialerOf(attempting(base), attemptLayer(base));
  // The dial's own timeoutMs is applied beneath the outermost observers, so that they report the timeout. Under
  // observers only, a composed base has applied it beneath its own.
  const outermost = middlewares.findIndex((each) => !roleOf(each)?.observes);
  if (outermost < 0 && !isComposition) stack = withOwnTimeout(stack);
  for (const [index, middleware] of [...middlewares.entries()].reverse()) {
    stack = wrap(middleware, stack, index);
    if (index === outermost) stack = withOwnTimeout(stack);
  }

  const run = runOf(stack);
  const start = withCallersHooks(run);
  const composedDialer: Run<C> = (target, context) => {
    if (context.state !== undefined) return run(target, context);
    const { cancel } = context;
    const inner = { ...context, state: new DialState() };
    // A dial that is canceled already passes through the layers, so that observers count it.
    if (cancel?.aborted) return start(target, inner);
    return abortable(start, cancel, target, inner);
  };
  const outermostLayer = layerOf(stack);
  announce(outermostLayer);
  return dialerOf(composedDialer, outermostLayer, true);
}

markFactories({ compose });

function checkLayers(layers: readonly unknown[]): void {
  if (layers.length === 0) throw invalid(TypeError, "compose: a base dialer such as tcp() is required");
  for (const [index, layer] of layers.entries()) {
    const option = `compose: layer ${index + 1}`;
    checkFunction(option, layer);
    const observed = observedBy(layer as object);
    if (observed !== undefined) {
      const place = observed === "dials" ? "withTrace()" : `the option trace of what it observes, ${observed}`;
      throw invalid(TypeError, `${option} must be a middleware, got an observer; put it in ${place}`);
    }
    const isLast = index === layers.length - 1;
    const kind = roleOf(layer)?.kind;
    if (kind === "dialer" && !isLast) {
      throw invalid(TypeError, `${option} must be a middleware, got a dialer; a base dialer comes last`);
    }
    if (kind === "middleware" && isLast) {
      throw invalid(TypeError, `${option} must be a dialer, got a middleware; a base dialer such as tcp() comes last`);
    }
  }
}

/** Calls `dialStart` and `dialDone` of the hooks that a dial has. */
function withCallersHooks<C extends Duplex>(run: Run<C>): Run<C> {
  return function callersHooksDialer(target, context) {
    const { trace } = context;
    return trace === undefined ? run(target, context) : observed(run, target, context, callersHooks(trace), trace);
  };
}

/** The layer of a base dialer. A base dialer with layers of its own counts as one attempt, whatever those layers do. */
function attemptLayer(base: object): Layer {
  const own = layerOf(base);
  return isBase(own.kind)
    ? own
    : baseLayer({ factory: "attempt", worstCase: (beneath, withinMs) => beneath(withinMs) }, base);
}

/** Applies the `timeoutMs` of a dial's own options, unless a layer beneath does. */
function withOwnTimeout<C extends Duplex>(next: Dialer<C>): Dialer<C> {
  const { boundedBy } = infoOf(next);
  const traits = { factory: "dialTimeout", appliesTimeout: true };
  return dialerOf(applyingOwnTimeout(runOf(next), boundedBy), new Layer(traits, "middleware", [layerOf(next)]));
}

function wrap<C extends Duplex>(middleware: Middleware, next: Dialer<C>, index: number): Dialer<C> {
  const wrapped: unknown = middleware(next);
  if (typeof wrapped === "function") return withBeneath(wrapped as Dialer<C>, layerOf(next));
  handleRejection(wrapped);
  throw invalid(
    TypeError,
    `compose: layer ${index + 1} returned ${show(wrapped)} instead of a dialer; a base dialer such as tcp() comes last`,
  );
}
