import type { TracerProvider } from "@opentelemetry/api";
import type { Middleware } from "../core/dialer.ts";
import { layer } from "../engine/context.ts";
import { addHooks } from "../engine/hook-chain.ts";
import { asObserver } from "../engine/layer-info.ts";
import { observed } from "../engine/observe.ts";
import { renamable } from "../engine/renamed.ts";
import { markFactories } from "../support/roles.ts";
import { guarded } from "../support/user-call.ts";
import { checkBoolean, checkOneOf, checkOptions, invalid, type OptionNames, show } from "../support/validate.ts";
import { checkTracerProvider } from "./check-name.ts";
import { OwnedDials } from "./links.ts";
import { readAttributes } from "./own-attributes.ts";
import { startTracing, type TracedDialSettings, UntracedDial } from "./traced-dial.ts";

/** Options of {@link withTracing}. */
export interface TracingOptions {
  /** Provider of the tracer. @defaultValue the provider registered with `@opentelemetry/api` */
  tracerProvider?: TracerProvider | undefined;
  /**
   * `"spans"` creates a span for the dial, each attempt and each phase; `"events"` creates one span for the dial,
   * with attempts and phases as its events; `"off"` creates none. @defaultValue `"spans"`
   */
  mode?: "spans" | "events" | "off" | undefined;
  /** Value of the attribute `dialer.name`. @defaultValue `"default"` */
  name?: string | undefined;
  /**
   * Your own attributes of the dial's span, such as `{ shard: "eu-1", tenant: ["a", "b"] }`: a string is the value for all
   * dials, an array the set of values that a dial may give as `dial(target, { attributes: { tenant: "a" } })`. Any other
   * value is reported as `_OTHER`. @defaultValue none
   */
  attributes?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Traces only dials with an active parent span. Background dials are then never traced. @defaultValue `false` */
  requireParentSpan?: boolean | undefined;
  /**
   * Suppresses tracing inside base dialers, so that instrumentations of `net` and `dns` do not duplicate this layer's
   * spans. The suppression ends with the dial. @defaultValue `true`
   */
  suppressTracing?: boolean | undefined;
}

const optionNames: OptionNames<TracingOptions> = {
  tracerProvider: true,
  mode: true,
  name: true,
  attributes: true,
  requireParentSpan: true,
  suppressTracing: true,
};

/**
 * Traces all layers beneath it with OpenTelemetry, like Go's otelhttptrace. The dial's span is a child of the active
 * span, and is itself active in the layers beneath. A background dial (a reconnect) starts its own trace,
 * with links to its owner's last successful dial (`dialer.link` is `previous_connection`) and to the first
 * failed dial since (`episode`). No spans are created if tracing is suppressed or the dial is not sampled.
 *
 * @throws TypeError or RangeError at construction if an option is invalid.
 * @see https://pkg.go.dev/go.opentelemetry.io/contrib/instrumentation/net/http/httptrace/otelhttptrace
 * @example
 * const dial = compose(withTracing({ name: "orders" }), withRetry(), tcp());
 */
export function withTracing(options: TracingOptions = {}): Middleware {
  checkOptions("withTracing", options, optionNames);
  const { tracerProvider, mode = "spans", name = "default" } = options;
  const { requireParentSpan = false, suppressTracing: suppress = true } = options;
  checkOneOf("withTracing: mode", mode, ["spans", "events", "off"]);
  if (typeof name !== "string") throw invalid(TypeError, `withTracing: name must be a string, got ${show(name)}`);
  checkTracerProvider("withTracing", tracerProvider);
  checkBoolean("withTracing: requireParentSpan", requireParentSpan);
  checkBoolean("withTracing: suppressTracing", suppress);
  const own = readAttributes("withTracing", options.attributes);
  if (mode === "off" && own.names.length === 0) return asObserver((next) => next);
  if (mode === "off") return layer((next) => next, { observes: true, attributes: own.names });

  const owners = new OwnedDials();
  const settings: TracedDialSettings = { mode, name, own, requireParentSpan, suppress, tracerProvider, owners };
  const tracing = layer(
    (next) =>
      function tracingDialer(target, dial) {
        const traced = guarded("a tracer provider", () => startTracing(settings, target, dial));
        if (traced !== undefined) return traced.run(next, target, dial);
        if (dial.owner === undefined) return next(target, dial);
        const hooks = new UntracedDial(owners, dial.owner);
        return observed(next, target, dial, hooks, addHooks(hooks, dial.trace));
      },
    {
      factory: "withTracing",
      observes: true,
      place: { factory: "withTracing", name, into: tracerProvider },
      attributes: own.names,
      options: () => ({ name, mode }),
    },
  );
  return renamable(tracing, (other) => withTracing({ ...options, name: other }));
}

markFactories({ withTracing });
