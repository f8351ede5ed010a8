import { Resolver } from "node:dns/promises";

/** Makes a resolver that uses the system's name servers and cancels its queries when `signal` aborts. */
export function ownResolver(signal: AbortSignal): Resolver {
  const resolver = new Resolver();
  signal.addEventListener("abort", () => resolver.cancel(), { once: true });
  return resolver;
}
