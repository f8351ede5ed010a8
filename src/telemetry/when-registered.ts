import type { MeterProvider } from "@opentelemetry/api";
import { guarded } from "../support/user-call.ts";
import { registeredMeterProvider } from "./otel-instruments.ts";

/**
 * Returns a function that calls `make` once, with the given meter provider or else with the registered one. It
 * returns `undefined` until the application has registered a provider.
 */
export function whenRegistered<T>(given: MeterProvider | undefined, make: (provider: MeterProvider) => T) {
  let made: T | undefined;
  const find = (): T | undefined => {
    if (made !== undefined) return made;
    const provider = given ?? registeredMeterProvider();
    if (provider !== undefined) made = make(provider);
    return made;
  };
  // Called now, so that the series exist before the first event.
  guarded("a meter provider", find);
  return find;
}
