import type { Attributes, HrTime, SpanContext, SpanKind, SpanStatus } from "@opentelemetry/api";

/** What the SDKs of both lines give to a span processor, as far as the tests look at it. */
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

/** A span processor that keeps every span from its start on, so that those never ended are seen. */
export function spanRecorder() {
  const started: RecordedSpan[] = [];
  const atStart = new Map<RecordedSpan, Attributes>();
  let ends = 0;
  return {
    /** In the order of their starts. */
    started: started as readonly RecordedSpan[],
    /** How many ends there were. */
    get ends() {
      return ends;
    },
    get open(): readonly string[] {
      return started.filter((span) => !span.ended).map((span) => span.name);
    },
    /** The attributes that a sampler would have seen. */
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

/** What a span is linked to: `dialer.link` of each link, and the span's own name for it. */
export function linksOf(span: RecordedSpan, spans: readonly RecordedSpan[]): string[] {
  return span.links.map(({ context, attributes }) => {
    const index = spans.findIndex((each) => each.spanContext().spanId === context.spanId);
    return `${attributes?.["dialer.link"]}: ${spans[index]?.name ?? "a span never seen"} ${index}`;
  });
}

const statusNames = ["", "Ok", "Error"];
const kindNames = ["", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

/**
 * Prints spans as trees, one line a span or event, without what differs from run to run: times, ids,
 * durations and ports, which `names` may name.
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
