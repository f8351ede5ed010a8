import type { Duplex } from "node:stream";
import {
  type Context,
  context,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { type DialContext, layer, type Surround } from "../core/context.ts";
import type { Middleware } from "../core/dialer.ts";
import { guarded, mergeHooks } from "../core/hooks.ts";
import { asObserver } from "../core/makeup.ts";
import { observed } from "../core/observe.ts";
import { markFactories } from "../core/roles.ts";
import type { Target } from "../core/target.ts";
import type { DialTrace } from "../core/trace.ts";
import { checkBoolean, checkOneOf, checkOptions, invalid, type OptionNames, show } from "../core/validate.ts";
import { dialAttributes } from "./attributes.ts";
import { checkTracerProvider } from "./check-name.ts";
import { noteDialedSpan } from "./dialed-spans.ts";
import { linkable, OwnedDials } from "./links.ts";
import { PassingContext } from "./passing-context.ts";
import { eventHooks } from "./span-events.ts";
import { spanHooks } from "./spans.ts";
import { isTracingSuppressed, suppressTracing } from "./suppression.ts";
import { tracerOf } from "./tracer.ts";

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

  const dials = new OwnedDials();

  /** The dial's span; `undefined` where it won't be seen. */
  const startSpan = (tracer: Tracer, target: Target, parent: Context, { background, owner }: DialAsked) => {
    const links = background && owner !== undefined ? dials.linksOf(owner) : [];
    const settings = { kind: SpanKind.INTERNAL, attributes: dialAttributes(name, target), links };
    const span = tracer.startSpan("dial", settings, parent);
    if (span.isRecording()) return span;
    span.end();
    return undefined;
  };
  const traceDial = (target: Target, dial: DialAsked): Traced | undefined => {
    const active = PassingContext.settled(context.active());
    const parent = dial.background ? ROOT_CONTEXT : active;
    if (isTracingSuppressed(active) || (requireParentSpan && trace.getSpan(parent) === undefined)) return undefined;
    // For each dial: the application may register its provider later, with another copy of the API even.
    const tracer = tracerOf(tracerProvider);
    const span = startSpan(tracer, target, parent, dial);
    if (span === undefined) return undefined;
    const during = trace.setSpan(parent, span);
    return {
      hooks: mode === "events" ? eventHooks(span) : spanHooks(tracer, span, during),
      linked: linkable(span),
      inside: new PassingContext(during, active),
      insideBase: suppress ? new PassingContext(suppressTracing(during), active) : undefined,
    };
  };

  return layer(
    (next) =>
      function tracingDialer(target, dial) {
        const traced = guarded("a tracer provider", () => traceDial(target, dial));
        const { owner } = dial;
        if (traced === undefined) {
          if (owner === undefined) return next(target, dial);
          const note: DialTrace = { dialDone: ({ outcome }) => dials.ended(owner, outcome, undefined) };
          return observed(next, target, dial, note, mergeHooks(note, dial.trace));
        }
        const { hooks, linked, inside, insideBase } = traced;
        const own: DialTrace = {
          ...hooks,
          dialDone(info) {
            inside.end();
            insideBase?.end();
            hooks.dialDone?.(info);
            if (info.conn !== undefined && linked !== undefined) noteDialedSpan(info.conn, linked);
            if (owner !== undefined) dials.ended(owner, info.outcome, linked);
          },
        };
        const surround: Surround | undefined = insideBase && ((work) => context.with(insideBase, work));
        const beneath = { ...dial, surround: surround ?? dial.surround };
        return context.with(inside, () => observed(next, target, beneath, own, mergeHooks(own, dial.trace)));
      },
    { observes: true, place: { factory: "withTracing", name, into: tracerProvider } },
  );
}

markFactories({ withTracing });

type DialAsked = Pick<DialContext<Duplex>, "background" | "owner">;

interface Traced {
  readonly hooks: DialTrace;
  /** What others may link to the dial by. */
  readonly linked: SpanContext | undefined;
  /** What is beneath runs in this. */
  readonly inside: PassingContext;
  /** What base dialers run in, where tracing is suppressed for them. */
  readonly insideBase: PassingContext | undefined;
}
