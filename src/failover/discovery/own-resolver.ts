import { Resolver } from "node:dns/promises";

/** A resolver of the system's name servers; what it is asked ends with `signal`. */
export function ownResolver(signal: AbortSignal): Resolver {
  const resolver = new Resolver();
  signal.addEventListener("abort", () => resolver.cancel(), { once: true });
  return resolver;
}
