import type { Attributes, HrTime, SpanContext, SpanKind, SpanStatus } from "@opentelemetry/api";

/** The parts of a span, in both SDK versions, that the tests use. */
export interface RecordedSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly status: SpanStatus;
  readonly attributes: Attributes;
  readonly events: readonly { readonly name: string; readonly attributes?: Attributes; readonly time: HrTime }[];
  readonly links: readonly { readonly context: SpanContext; readonly attributes?: Attributes }[];
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly parentSpanContext?: SpanContext;
  readonly ended: boolean;
  spanContext(): SpanContext;
}

/** A span processor that records every span at its start, so that spans without an end are found. */
export function spanRecorder() {
  const started: RecordedSpan[] = [];
  const atStart = new Map<RecordedSpan, Attributes>();
  let ends = 0;
  return {
    /** Spans in order of their start. */
    started: started as readonly RecordedSpan[],
    /** Number of ended spans. */
    get ends() {
      return ends;
    },
    get open(): readonly string[] {
      return started.filter((span) => !span.ended).map((span) => span.name);
    },
    /** The attributes available to a sampler. */
    atStart: (span: RecordedSpan): Attributes => atStart.get(span) ?? {},
    onStart(span: RecordedSpan) {
      started.push(span);
      atStart.set(span, { ...span.attributes });
    },
    onEnd() {
      ends += 1;
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  };
}

/** The links of a span: `dialer.link` of each, and the name of the linked span. */
export function linksOf(span: RecordedSpan, spans: readonly RecordedSpan[]): string[] {
  return span.links.map(({ context, attributes }) => {
    const index = spans.findIndex((each) => each.spanContext().spanId === context.spanId);
    return `${attributes?.["dialer.link"]}: ${spans[index]?.name ?? "an unknown span"} ${index}`;
  });
}

const statusNames = ["", "Ok", "Error"];
const kindNames = ["", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

/**
 * Prints spans as trees, with one line per span or event, and without values that differ between runs: times, ids,
 * durations and ports. `names` gives names to ports.
 */
export function spanTree(spans: readonly RecordedSpan[], names: Readonly<Record<number, string>> = {}): string {
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  const lines: string[] = [];
  const text = (value: unknown) => {
    let shown = Array.isArray(value) ? `[${value.join(",")}]` : String(value);
    for (const [port, name] of Object.entries(names)) shown = shown.replaceAll(port, name);
    return /\s/.test(shown) ? JSON.stringify(shown) : shown;
  };
  const attributes = (given: Attributes = {}) =>
    Object.entries(given)
      .filter(([name]) => name !== "dialer.duration")
      .map(([name, value]) => ` ${name}=${text(value)}`)
      .sort()
      .join("");
  const print = (span: RecordedSpan, indent: string) => {
    const { name, kind, status, ended } = span;
    const marks = [
      kindNames[kind],
      statusNames[status.code],
      status.message && text(status.message),
      ended ? "" : "OPEN",
    ];
    lines.push(`${indent}${[name, ...marks].filter(Boolean).join(" ")}${attributes(span.attributes)}`);
    for (const event of span.events) lines.push(`${indent}  (${event.name})${attributes(event.attributes)}`);
    const { spanId } = span.spanContext();
    for (const child of spans) {
      if (child.parentSpanContext?.spanId === spanId) print(child, `${indent}  `);
    }
  };
  for (const span of spans) {
    if (span.parentSpanContext === undefined || !ids.has(span.parentSpanContext.spanId)) print(span, "");
  }
  return lines.join("\n");
}
