import type { Attributes, HrTime } from "@opentelemetry/api";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { Screen } from "./screen.ts";

/** Number of unfinished traces kept; a trace whose root never ends must not be kept forever. */
const maxTraces = 100;

/** Prints each trace as a tree when its root span ends. */
export class SpanTreePrinter implements SpanProcessor {
  readonly #screen: Screen;
  /** Ended spans by trace id. */
  readonly #traces = new Map<string, ReadableSpan[]>();

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const { traceId } = span.spanContext();
    const spans = [...(this.#traces.get(traceId) ?? []), span];
    if (span.parentSpanContext === undefined || span.parentSpanContext.isRemote) {
      this.#traces.delete(traceId);
      this.#screen.say("spans", treeLines(span, spans, this.#screen));
      return;
    }
    this.#traces.set(traceId, spans);
    const [oldest] = this.#traces.keys();
    if (this.#traces.size > maxTraces && oldest !== undefined) this.#traces.delete(oldest);
  }

  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}

const columnWidth = 10;

interface Row {
  readonly branch: string;
  readonly span: ReadableSpan;
}

/** One line per span with its name, start, duration and outcome. */
function treeLines(root: ReadableSpan, spans: readonly ReadableSpan[], { paint }: Screen): string[] {
  const rows = rowsOf(root, spans, "", "");
  const labels = rows.map(({ branch, span }) => `${branch}${labelOf(span)}`);
  const width = Math.max(...labels.map((label) => label.length));
  const startedAt = milliseconds(root.startTime);
  const lines = rows.map(({ span }, index) => {
    const label = (labels[index] ?? "").padEnd(width);
    const start = `+${(milliseconds(span.startTime) - startedAt).toFixed(0)} ms`.padStart(columnWidth);
    const duration = durationOf(span).padStart(columnWidth);
    const line = `${label}${paint("dim", start)}${duration}`;
    const note = noteOf(span.attributes);
    if (note === "") return line;
    return `${line}  ${paint(span.attributes["error.type"] === undefined ? "dim" : "red", note)}`;
  });
  const header = `${"trace".padEnd(width)}${"start".padStart(columnWidth)}${"duration".padStart(columnWidth)}`;
  return [paint("dim", header), ...lines];
}

function rowsOf(span: ReadableSpan, spans: readonly ReadableSpan[], branch: string, indent: string): Row[] {
  const { spanId } = span.spanContext();
  const children = spans
    .filter((each) => each.parentSpanContext?.spanId === spanId)
    .sort((one, other) => milliseconds(one.startTime) - milliseconds(other.startTime));
  const rows = children.flatMap((child, index) => {
    const last = index === children.length - 1;
    return rowsOf(child, spans, `${indent}${last ? "└─ " : "├─ "}`, `${indent}${last ? "   " : "│  "}`);
  });
  return [{ branch, span }, ...rows];
}

/** The span's name and what it was about: an address, a name, a number. */
function labelOf({ name, attributes }: ReadableSpan): string {
  const address = attributes["network.peer.address"] ?? attributes["server.address"];
  const port = attributes["network.peer.port"] ?? attributes["server.port"];
  const what =
    attributes["dialer.attempt.number"] ??
    attributes["dns.question.name"] ??
    attributes["network.protocol.name"] ??
    (port === undefined ? address : `${address}:${port}`);
  return what === undefined ? name : `${name} ${what}`;
}

/** The error, or for a success a detail such as the number of attempts. */
function noteOf(attributes: Attributes): string {
  const error = attributes["error.type"];
  if (error !== undefined) return String(error);
  const outcome = attributes["dialer.outcome"];
  if (outcome === "canceled") return outcome;
  const attempts = attributes["dialer.attempt.count"];
  if (attempts !== undefined) return attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const server = attributes["nats.server.version"];
  if (server !== undefined) return `server ${server}`;
  return String(attributes["tls.protocol.version"] ?? "");
}

function durationOf({ duration }: ReadableSpan): string {
  const ms = milliseconds(duration);
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

function milliseconds([seconds, nanoseconds]: HrTime): number {
  return seconds * 1000 + nanoseconds / 1e6;
}
