import { isSpanContextValid, TraceFlags, trace } from "@opentelemetry/api";

/**
 * Returns the labels of an exemplar that points to the active span, or `undefined` if that span is not sampled. For
 * the option `exemplars` of `withPrometheus`. Beneath `withTracing` the active span is the dial's.
 *
 * @example
 * const dial = compose(withTracing(), withPrometheus({ registry, exemplars: spanExemplar }), tcp());
 */
export function spanExemplar(): { readonly trace_id: string; readonly span_id: string } | undefined {
  const context = trace.getActiveSpan()?.spanContext();
  if (context === undefined || !isSpanContextValid(context)) return undefined;
  if ((context.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
  return { trace_id: context.traceId, span_id: context.spanId };
}
