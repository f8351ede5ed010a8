import { handled } from "../support/handled.ts";
import type { Connection } from "./nats-library.ts";

/** Methods of a connection whose promise the caller may ignore, as in `nc.drain(); await nc.close()`. */
const ignorable = ["close", "drain", "flush", "reconnect", "rtt"] as const;

type Method = (...args: unknown[]) => Promise<unknown>;

/**
 * Marks the promises of these methods, and of `drain` of the connection's subscriptions, as handled. An ignored promise
 * that rejects, such as that of a drain that a close cuts short, does not end the process.
 */
export function allowIgnored(nc: Connection): void {
  const methods = nc as unknown as Record<string | symbol, Method>;
  for (const name of [...ignorable, Symbol.asyncDispose]) markHandled(methods, name);
  const subscribe = nc.subscribe.bind(nc);
  nc.subscribe = (...args) => {
    const subscription = subscribe(...args);
    markHandled(subscription as unknown as Record<string, Method>, "drain");
    return subscription;
  };
}

function markHandled(object: Record<string | symbol, Method>, name: string | symbol): void {
  // `nats` 2.x has no `Symbol.asyncDispose`.
  const method = object[name]?.bind(object);
  if (method !== undefined) object[name] = (...args) => handled(method(...args));
}
