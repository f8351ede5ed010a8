import { context, ROOT_CONTEXT, SpanKind, type TracerProvider, trace } from "@opentelemetry/api";
import type { Middleware } from "../core/dialer.ts";
import { attach } from "../core/observe.ts";
import { checkOneOf, checkOptions, show } from "../core/validate.ts";
import { dialAttributes } from "./attributes.ts";
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
 * span is a child of the active one; a background dial's (a reconnect) starts a trace of its own.
 * Where the provider doesn't record, nothing is done.
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

  return attach(({ target, background }) => {
    // For each dial: the application may register its provider later, with another copy of the API even.
    const tracer = (tracerProvider ?? trace).getTracer("dialtrace");
    const parent = background ? ROOT_CONTEXT : context.active();
    const settings = { kind: SpanKind.INTERNAL, attributes: dialAttributes(name, target) };
    const span = tracer.startSpan("dial", settings, parent);
    if (!span.isRecording()) {
      span.end();
      return undefined;
    }
    return mode === "events" ? eventHooks(span) : spanHooks(tracer, span, trace.setSpan(parent, span));
  });
}
