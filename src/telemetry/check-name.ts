import { invalid, show } from "../support/validate.ts";

/** Throws a `TypeError` that names the option unless it can be the value of `dialer.name`. */
export function checkName(factory: string, name: unknown): void {
  if (typeof name !== "string" || name === "" || name.length > 128) {
    throw invalid(TypeError, `${factory}: name must be a string of 1 to 128 characters, got ${show(name)}`);
  }
}

/** Throws a `TypeError` that names the option unless it is a tracer provider, or left out. */
export function checkTracerProvider(factory: string, tracerProvider: unknown): void {
  const provider = tracerProvider as { getTracer?: unknown } | null | undefined;
  if (provider !== undefined && typeof provider?.getTracer !== "function") {
    throw invalid(TypeError, `${factory}: tracerProvider must have getTracer, got ${show(provider)}`);
  }
}

/** Series are made for each, so there must not be many. */
const maxEndpoints = 32;

/** Throws a `TypeError` that names the option unless each can be the value of `endpoint`. */
export function checkEndpoints(factory: string, endpoints: unknown): void {
  if (!Array.isArray(endpoints))
    throw invalid(TypeError, `${factory}: endpoints must be an array, got ${show(endpoints)}`);
  if (endpoints.length > maxEndpoints) {
    throw invalid(TypeError, `${factory}: endpoints must be ${maxEndpoints} at most, got ${endpoints.length}`);
  }
  for (const each of endpoints) {
    if (typeof each !== "string" || each === "" || each.length > 128) {
      throw invalid(TypeError, `${factory}: endpoints must be strings of 1 to 128 characters, got ${show(each)}`);
    }
  }
}
