import { invalid, show } from "../support/validate.ts";

/** Throws a `TypeError` unless `name` can be the value of `dialer.name`. */
export function checkName(factory: string, name: unknown): void {
  if (typeof name !== "string" || name === "" || name.length > 128) {
    throw invalid(TypeError, `${factory}: name must be a string of 1 to 128 characters, got ${show(name)}`);
  }
}

/** Throws a `TypeError` unless `tracerProvider` is a tracer provider or undefined. */
export function checkTracerProvider(factory: string, tracerProvider: unknown): void {
  const provider = tracerProvider as { getTracer?: unknown } | null | undefined;
  if (provider !== undefined && typeof provider?.getTracer !== "function") {
    throw invalid(TypeError, `${factory}: tracerProvider must have getTracer, got ${show(provider)}`);
  }
}

/** Each endpoint has its own series, so their number is limited. */
const maxEndpoints = 32;

/** Throws a `TypeError` unless `endpoints` is an array of at most 32 values for the label `endpoint`. */
export function checkEndpoints(factory: string, endpoints: unknown): void {
  if (!Array.isArray(endpoints))
    throw invalid(TypeError, `${factory}: endpoints must be an array, got ${show(endpoints)}`);
  if (endpoints.length > maxEndpoints) {
    throw invalid(
      TypeError,
      `${factory}: endpoints must have at most ${maxEndpoints} entries, got ${endpoints.length}`,
    );
  }
  for (const each of endpoints) {
    if (typeof each !== "string" || each === "" || each.length > 128) {
      throw invalid(TypeError, `${factory}: endpoints must be strings of 1 to 128 characters, got ${show(each)}`);
    }
  }
}
