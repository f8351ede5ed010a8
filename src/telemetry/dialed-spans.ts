import type { Duplex } from "node:stream";
import type { SpanContext } from "@opentelemetry/api";

const spans = new WeakMap<Duplex, SpanContext>();

/** Notes which dial has brought `conn`, for those who use it long after. */
export function noteDialedSpan(conn: Duplex, span: SpanContext): void {
  spans.set(conn, span);
}

/** The span of the dial that has brought `conn`; none where that was not traced. */
export function dialedSpan(conn: Duplex): SpanContext | undefined {
  return spans.get(conn);
}
