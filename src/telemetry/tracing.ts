import {
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import type { Middleware } from "../core/dialer.ts";
import { attach } from "../core/observe.ts";
import type { DialTrace } from "../core/trace.ts";
import { checkOneOf, checkOptions, show } from "../core/validate.ts";
import { dialAttributes } from "./attributes.ts";
import { linkable, OwnedDials } from "./links.ts";
import { eventHooks } from "./span-events.ts";
import { spanHooks } from "./spans.ts";

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
}

/**
 * Makes OpenTelemetry spans of everything beneath it, in the manner of Go's otelhttptrace. The dial's
 * span is a child of the active one; a background dial's (a reconnect) starts a trace of its own, with
 * links to its owner's last successful dial (`dialer.link` is `previous_connection`) and to the first
 * that has failed since (`episode`). Where the provider doesn't record, nothing is made.
 *
 * @throws TypeError or RangeError at construction, naming the option.
 */
export function withTracing(options: TracingOptions = {}): Middleware {
  checkOptions("withTracing", options, ["tracerProvider", "mode", "name"]);
  const { tracerProvider, mode = "spans", name = "default" } = options;
  checkOneOf("withTracing: mode", mode, ["spans", "events", "off"]);
  if (typeof name !== "string") throw new TypeError(`withTracing: name must be a string, got ${show(name)}`);
  if (tracerProvider !== undefined && typeof tracerProvider.getTracer !== "function") {
    throw new TypeError(`withTracing: tracerProvider must have getTracer, got ${show(tracerProvider)}`);
  }
  if (mode === "off") return (next) => next;

  const dials = new OwnedDials();
  return attach(({ target, background, owner }) => {
    // For each dial: the application may register its provider later, with another copy of the API even.
    const tracer = (tracerProvider ?? trace).getTracer("dialtrace");
    const parent = background ? ROOT_CONTEXT : context.active();
    const links = background && owner !== undefined ? dials.linksOf(owner) : [];
    const settings = { kind: SpanKind.INTERNAL, attributes: dialAttributes(name, target), links };
    const span = tracer.startSpan("dial", settings, parent);
    const hooks = hooksOf(mode, tracer, span, parent);
    if (owner === undefined) return hooks;
    const linked = linkable(span);
    return {
      ...hooks,
      dialDone(info) {
        hooks?.dialDone?.(info);
        dials.ended(owner, info.outcome, linked);
      },
    };
  });
}

function hooksOf(mode: "spans" | "events", tracer: Tracer, span: Span, parent: Context): DialTrace | undefined {
  if (!span.isRecording()) {
    span.end();
    return undefined;
  }
  return mode === "events" ? eventHooks(span) : spanHooks(tracer, span, trace.setSpan(parent, span));
}
