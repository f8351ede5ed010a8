import { checkDialHooks, checkingFirst, checkObserver } from "../core/check-hooks.ts";
import type { Middleware } from "../core/dialer.ts";
import type { DialTrace, Observer } from "../core/trace.ts";
import { attach } from "../engine/observe.ts";
import { markFactories } from "../support/roles.ts";

/**
 * Attaches hooks, or an observer that returns the hooks for each dial: this package's
 * `httptrace.WithClientTrace`. They are told of the dial as it passes this layer, and of all that
 * happens beneath. Of several, the newer (inner) ones run first.
 *
 * @throws TypeError at construction, when it is given neither, or naming the hook that is not known.
 * @example
 * const dial = compose(withTrace({ connectDone: (info) => console.log(info.address, info.outcome) }), tcp());
 * @see https://pkg.go.dev/net/http/httptrace
 */
export function withTrace(observer: DialTrace | Observer): Middleware {
  if (typeof observer === "function") {
    checkObserver("withTrace: observer", observer, "dials");
    return attach(checkingFirst("withTrace: observer", observer));
  }
  checkDialHooks("withTrace: observer", observer, "an object of hooks or a function that returns one");
  return attach(observer);
}

markFactories({ withTrace });
