import type { MeterProvider } from "@opentelemetry/api";
import { guarded } from "../support/user-call.ts";
import { registeredMeterProvider } from "./otel-instruments.ts";

/**
 * Makes something of a meter provider, once: of the one given, else of the one that the application has
 * registered, which it may do later. Until there is one, the function that is returned finds nothing.
 */
export function whenRegistered<T>(given: MeterProvider | undefined, make: (provider: MeterProvider) => T) {
  let made: T | undefined;
  const find = (): T | undefined => {
    if (made !== undefined) return made;
    const provider = given ?? registeredMeterProvider();
    if (provider !== undefined) made = make(provider);
    return made;
  };
  // At once, so that the series are there before anything has happened.
  guarded("a meter provider", find);
  return find;
}
