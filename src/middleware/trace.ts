import { checkDialHooks, checkingFirst, checkObserver } from "../core/check-hooks.ts";
import type { Middleware } from "../core/dialer.ts";
import type { DialTrace, Observer } from "../core/trace.ts";
import { attach } from "../engine/observe.ts";
import { markFactories } from "../support/roles.ts";

/**
 * Attaches hooks, like Go's `httptrace.WithClientTrace`. The hooks are called for the dial at this layer and for every
 * event beneath it. If several layers attach hooks, the inner ones are called first.
 *
 * @param observer - the hooks, or a function that is called once per dial and returns the hooks for it.
 * @throws TypeError at construction, for any other value, and naming an unknown hook.
 * @example
 * const dial = compose(withTrace({ connectDone: (info) => console.log(info.address, info.outcome) }), tcp());
 * @see https://pkg.go.dev/net/http/httptrace
 */
export function withTrace(observer: DialTrace | Observer): Middleware {
  if (typeof observer === "function") {
    checkObserver("withTrace: observer", observer, "dials");
    return attach(checkingFirst("withTrace: observer", observer), { factory: "withTrace" });
  }
  checkDialHooks("withTrace: observer", observer, "an object of hooks or a function that returns one");
  return attach(observer, { factory: "withTrace" });
}

markFactories({ withTrace });
