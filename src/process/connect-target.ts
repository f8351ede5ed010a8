import { isIP, type NetConnectOpts } from "node:net";
import type { Address } from "../core/event-values.ts";
import { parseTarget, Target } from "../core/target.ts";
import { BoundedMap } from "../support/bounded-map.ts";
import { printable } from "../support/printable.ts";

/** Options of a call of `Socket.prototype.connect`. */
export type ConnectOptions = Partial<{
  host: unknown;
  port: unknown;
  path: unknown;
  servername: unknown;
  socket: unknown;
  autoSelectFamilyAttemptTimeout: unknown;
}> & { readonly [key: symbol]: unknown };

/** Reads the arguments of `Socket.prototype.connect` as Node does: options, a path, or a port and a host. */
export function connectOptionsOf(args: readonly unknown[]): ConnectOptions {
  const [first, second] = args;
  // Node passes an array of options and callback to itself.
  if (Array.isArray(first)) return (first[0] ?? {}) as ConnectOptions;
  if (typeof first === "object" && first !== null) return first as NetConnectOpts as ConnectOptions;
  if (typeof first === "string" && !(Number(first) >= 0)) return { path: first };
  return { port: first, host: typeof second === "string" ? second : undefined };
}

/** Where a client connects. */
export interface Destination {
  readonly target: Target;
  /** The address of an IP literal or a unix socket, which needs no lookup. */
  readonly address: Address | undefined;
}

/** Maximum number of hosts or paths, and of ports of one host, that are remembered. */
const maxRemembered = 64;

type Known = BoundedMap<unknown, Destination>;

/** A cache of the destinations of a process, which are few: parsing one costs more than the rest of its dial. */
export class Destinations {
  readonly #byPath: Known = new BoundedMap(maxRemembered);
  /** By host, then by port: a key of both would be a new string for each connect. */
  readonly #byHost = new BoundedMap<unknown, Known>(maxRemembered);

  of(options: ConnectOptions): Destination {
    const { host, port, path } = options;
    const [known, key] = isPath(path) ? [this.#byPath, path] : [this.#portsOf(host), port];
    let found = known.get(key);
    if (found === undefined) {
      const target = connectTargetOf(options);
      found = { target, address: addressOf(target) };
      known.set(key, found);
    }
    return found;
  }

  #portsOf(host: unknown): Known {
    let ports = this.#byHost.get(host);
    if (ports === undefined) {
      ports = new BoundedMap(maxRemembered);
      this.#byHost.set(host, ports);
    }
    return ports;
  }
}

function addressOf({ host, port, path }: Target): Address | undefined {
  if (path !== undefined) return Object.freeze({ address: path, port: 0, family: "unix" });
  const version = isIP(host);
  return version === 0 ? undefined : Object.freeze({ address: host, port, family: version === 6 ? "ipv6" : "ipv4" });
}

/** Whether a connect is to a unix socket. `http.Agent` sets `path: null` for TCP. */
function isPath(path: unknown): path is string {
  return typeof path === "string" && path !== "";
}

/** Longest host that is shown when it is no valid name. */
const maxHost = 256;

/** Returns the target of a connect. A host that is no valid name is shown as it was given. */
function connectTargetOf({ host, port, path }: ConnectOptions): Target {
  if (isPath(path)) return new Target("", 0, path.startsWith("\0") ? `@${path.slice(1)}` : path);
  const named = typeof host === "string" && host !== "" ? host : "localhost";
  const number = Number(port) | 0;
  try {
    return parseTarget({ host: named, port: number });
  } catch {
    return new Target(printable(named, maxHost), number);
  }
}
