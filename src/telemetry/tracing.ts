import type { TracerProvider } from "@opentelemetry/api";
import type { Middleware } from "../core/dialer.ts";
import { layer } from "../engine/context.ts";
import { addHooks } from "../engine/hook-chain.ts";
import { asObserver } from "../engine/layer-info.ts";
import { observed } from "../engine/observe.ts";
import { markFactories } from "../support/roles.ts";
import { guarded } from "../support/user-call.ts";
import { checkBoolean, checkOneOf, checkOptions, invalid, type OptionNames, show } from "../support/validate.ts";
import { checkTracerProvider } from "./check-name.ts";
import { OwnedDials } from "./links.ts";
import { startTracing, type TracedDialSettings, UntracedDial } from "./traced-dial.ts";

export interface TracingOptions {
  /** Where spans go. @defaultValue the provider registered with `@opentelemetry/api` */
  tracerProvider?: TracerProvider | undefined;
  /**
   * `spans` makes a span of the dial, each attempt and each phase; `events` one span of the dial with
   * the rest as its events; `off` none. @defaultValue `"spans"`
   */
  mode?: "spans" | "events" | "off" | undefined;
  /** Value of the attribute `dialer.name`. @defaultValue `"default"` */
  name?: string | undefined;
  /** Makes spans only of dials that have an active span to be children of; of background dials none. @defaultValue false */
  requireParentSpan?: boolean | undefined;
  /**
   * Calls base dialers with tracing suppressed, so that instrumentations of `net` and `dns` don't tell
   * once more what the spans of this layer tell. It ends with the dial. @defaultValue true
   */
  suppressTracing?: boolean | undefined;
}

const optionNames: OptionNames<TracingOptions> = {
  tracerProvider: true,
  mode: true,
  name: true,
  requireParentSpan: true,
  suppressTracing: true,
};

/**
 * Makes OpenTelemetry spans of everything beneath it, in the manner of Go's otelhttptrace. The dial's
 * span is a child of the active one, and the active one for what is beneath; a background dial's (a
 * reconnect) starts a trace of its own, with links to its owner's last successful dial (`dialer.link` is
 * `previous_connection`) and to the first that has failed since (`episode`). Where the provider doesn't
 * record, or tracing is suppressed, nothing is made.
 *
 * @throws TypeError or RangeError at construction, naming the option.
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
  if (mode === "off") return asObserver((next) => next);

  const owners = new OwnedDials();
  const settings: TracedDialSettings = { mode, name, requireParentSpan, suppress, tracerProvider, owners };
  return layer(
    (next) =>
      function tracingDialer(target, dial) {
        const traced = guarded("a tracer provider", () => startTracing(settings, target, dial));
        if (traced !== undefined) return traced.run(next, target, dial);
        if (dial.owner === undefined) return next(target, dial);
        const note = new UntracedDial(owners, dial.owner);
        return observed(next, target, dial, note, addHooks(note, dial.trace));
      },
    { observes: true, place: { factory: "withTracing", name, into: tracerProvider } },
  );
}

markFactories({ withTracing });
