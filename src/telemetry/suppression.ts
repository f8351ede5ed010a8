import { type Context, createContextKey } from "@opentelemetry/api";

/** The key by which `@opentelemetry/core`, and with it every SDK, knows that nothing is to be traced; the API has the same for all. */
const suppressed = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

export function isTracingSuppressed(context: Context): boolean {
  return context.getValue(suppressed) === true;
}

export function suppressTracing(context: Context): Context {
  return context.setValue(suppressed, true);
}
