import { type Tracer, type TracerProvider, trace } from "@opentelemetry/api";
import { wrongReturn } from "../support/returned.ts";

/**
 * The tracer of this package, from the provider given, else the one registered with the API.
 *
 * @throws TypeError when the provider returns something else.
 */
export function tracerOf(provider: TracerProvider | undefined): Tracer {
  const tracer: unknown = (provider ?? trace).getTracer("dialtrace");
  if (typeof (tracer as Partial<Tracer> | undefined | null)?.startSpan === "function") return tracer as Tracer;
  throw wrongReturn("tracerProvider.getTracer()", "must return a tracer", tracer);
}
