import type { Duplex } from "node:stream";
import type { SpanContext } from "@opentelemetry/api";

/** On the connection itself, as the hooks of its dial are: a WeakMap would cost the collector too much. */
const spanKey: unique symbol = Symbol("dialtrace.span");

interface Dialed {
  [spanKey]?: SpanContext;
}

/** Notes which dial has brought `conn`, for those who use it long after. */
export function noteDialedSpan(conn: Duplex, span: SpanContext): void {
  (conn as Dialed)[spanKey] = span;
}

/** The span of the dial that has brought `conn`; none where that was not traced. */
export function dialedSpan(conn: Duplex): SpanContext | undefined {
  return (conn as Dialed)[spanKey];
}
