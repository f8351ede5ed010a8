/**
 * Changes to objects of the NATS client for which it has no API. Everything is changed on one instance and never on a
 * class, so that other connections of the process keep the client's own behavior.
 */

/** Replaces methods of `object`. Returns the replaced methods, bound to it. */
export function overrideMethods<T extends object, K extends keyof T>(object: T, methods: Pick<T, K>): Pick<T, K> {
  const replaced: Partial<Pick<T, K>> = {};
  for (const name of Reflect.ownKeys(methods) as K[]) {
    replaced[name] = (object[name] as (...args: unknown[]) => unknown).bind(object) as T[K];
  }
  Object.assign(object, methods);
  return replaced as Pick<T, K>;
}

/** A protocol handler of the client, whose `transport` is assigned before each dial. */
interface TransportHolder<T> {
  transport: T;
}

const pinned = new WeakSet<object>();

/** Whether {@link pinTransport} has been called for `protocol`. */
export function hasPinnedTransport(protocol: object): boolean {
  return pinned.has(protocol);
}

/**
 * Makes `protocol` use transports of its own. The client asks one factory, global to the process, for a transport
 * before each dial, so any other `connect()` of the process can replace a connection's kind of transport. Whatever the
 * client assigns to `transport` is ignored, and `renew` is called in its place.
 */
export function pinTransport<T>(protocol: TransportHolder<T>, current: () => T, renew: () => void): void {
  // An accessor of a subclass would have no effect: the client declares `transport` as a field of the instance.
  Object.defineProperty(protocol, "transport", { get: current, set: renew, enumerable: true });
  pinned.add(protocol);
  // V8 turns an object with a redefined property into a hash table, and back when the object becomes a prototype. The
  // handler's properties are read for every message.
  Object.create(protocol);
}
