import { type Tracer, type TracerProvider, trace } from "@opentelemetry/api";
import { isPromiseLike, wrongReturn } from "../core/returned.ts";

/**
 * The tracer of this package, from the provider given, else the one registered with the API.
 *
 * @throws TypeError when the provider returns a promise.
 */
export function tracerOf(provider: TracerProvider | undefined): Tracer {
  const tracer: unknown = (provider ?? trace).getTracer("dialtrace");
  if (isPromiseLike(tracer)) throw wrongReturn("tracerProvider.getTracer()", "must return a tracer", tracer);
  return tracer as Tracer;
}
