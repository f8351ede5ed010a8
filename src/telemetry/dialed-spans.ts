import type { Duplex } from "node:stream";
import type { SpanContext } from "@opentelemetry/api";

/** A property of the connection, because a WeakMap makes garbage collection slower. */
const spanKey: unique symbol = Symbol("dialtrace.span");

interface Dialed {
  [spanKey]?: SpanContext;
}

/** Stores the span of the dial that returned `conn`, so that later spans can link to it. */
export function noteDialedSpan(conn: Duplex, span: SpanContext): void {
  (conn as Dialed)[spanKey] = span;
}

/** Returns the span of the dial that returned `conn`, or `undefined` if that dial was not traced. */
export function dialedSpan(conn: Duplex): SpanContext | undefined {
  return (conn as Dialed)[spanKey];
}
