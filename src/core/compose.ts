import type { Duplex } from "node:stream";
import { abortable } from "./abort.ts";
import { attempting } from "./attempt.ts";
import { dialerOf, runOf } from "./context.ts";
import type { Dialer, Middleware } from "./dialer.ts";
import { observed } from "./observe.ts";
import { DialState } from "./state.ts";
import { show } from "./validate.ts";

const composed = new WeakSet<object>();

/**
 * Builds a dialer from layers, outermost first; the base dialer stands last. A layer's place is its
 * meaning: the same `withTimeout` bounds the whole dial above `withRetry` and one attempt below it.
 *
 * A composed dialer may serve as the base of another composition: attempts are still counted once.
 *
 * @throws TypeError when a layer is no function, or stands where it can't.
 * @example
 * const dial = compose(withTimeout({ timeoutMs: 10_000 }), withRetry(), tcp());
 * const socket = await dial("db.internal:5432");
 */
export function compose<C extends Duplex>(...layers: [...Middleware[], Dialer<C>]): Dialer<C> {
  for (const [index, layer] of layers.entries()) {
    if (typeof layer !== "function") {
      throw new TypeError(`compose: layer ${index + 1} must be a function, got ${show(layer)}`);
    }
  }
  const base = layers.at(-1) as Dialer<C> | undefined;
  if (base === undefined) throw new TypeError("compose: needs a base dialer such as tcp()");

  let stack = composed.has(base) ? base : dialerOf(attempting(base));
  for (let index = layers.length - 2; index >= 0; index -= 1) {
    stack = wrap(layers[index] as Middleware, stack, index);
  }

  const run = runOf(stack);
  const dialer = dialerOf<C>(function composedDialer(target, context) {
    if (context.state !== undefined) return run(target, context);
    const { cancel, trace } = context;
    if (cancel?.aborted) return Promise.reject(cancel.reason);
    const inner = { ...context, state: new DialState(false) };
    if (trace === undefined) return abortable(() => run(target, inner), cancel);
    return abortable(() => observed(run, target, inner, trace, trace), cancel);
  });
  composed.add(dialer);
  return dialer;
}

function wrap<C extends Duplex>(middleware: Middleware, next: Dialer<C>, index: number): Dialer<C> {
  const wrapped: unknown = middleware(next);
  if (typeof wrapped === "function") return wrapped as Dialer<C>;
  if (wrapped instanceof Promise) wrapped.catch(() => {});
  throw new TypeError(
    `compose: layer ${index + 1} returned ${show(wrapped)} instead of a dialer; a base dialer such as tcp() comes last`,
  );
}
