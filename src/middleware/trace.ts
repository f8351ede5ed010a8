import type { Middleware } from "../core/dialer.ts";
import { attach } from "../core/observe.ts";
import type { DialTrace, Observer } from "../core/trace.ts";
import { show } from "../core/validate.ts";

/**
 * Attaches hooks, or an observer that returns the hooks for each dial: this package's
 * `httptrace.WithClientTrace`. They are told of the dial as it passes this layer, and of all that
 * happens beneath. Of several, the newer (inner) ones run first.
 *
 * @throws TypeError at construction, when it is given neither.
 * @example
 * const dial = compose(withTrace({ connectDone: (info) => console.log(info.address, info.outcome) }), tcp());
 * @see https://pkg.go.dev/net/http/httptrace
 */
export function withTrace(observer: DialTrace | Observer): Middleware {
  if (typeof observer !== "function" && (typeof observer !== "object" || observer === null)) {
    throw new TypeError(`withTrace: needs an object of hooks or a function that returns one, got ${show(observer)}`);
  }
  return attach(observer);
}
