import { type Tracer, type TracerProvider, trace } from "@opentelemetry/api";
import { wrongReturn } from "../support/returned.ts";
import { scopeName, scopeVersion } from "./scope.ts";

/**
 * Returns this package's tracer, from `provider` or else from the provider registered with the API.
 *
 * @throws TypeError if the provider returns something other than a tracer.
 */
export function tracerOf(provider: TracerProvider | undefined): Tracer {
  const tracer: unknown = (provider ?? trace).getTracer(scopeName, scopeVersion);
  if (typeof (tracer as Partial<Tracer> | undefined | null)?.startSpan === "function") return tracer as Tracer;
  throw wrongReturn("tracerProvider.getTracer()", "must return a tracer", tracer);
}
