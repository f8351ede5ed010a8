import { isIP, type Socket } from "node:net";
import type { Dialer } from "../core/dialer.ts";
import type { Address } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import { dialerOf } from "../engine/context.ts";
import { markFactories } from "../support/roles.ts";
import {
  checkBoolean,
  checkDuration,
  checkFunction,
  checkOptions,
  invalid,
  type OptionNames,
  show,
} from "../support/validate.ts";
import { type ConnectSettings, connectAddress } from "./connect.ts";
import { race } from "./race.ts";
import { type Lookup, resolve } from "./resolve.ts";
import { WinnerMemory } from "./winner-memory.ts";

export interface TcpOptions {
  /** Sends small writes at once (TCP_NODELAY), as Go does. @defaultValue true */
  noDelay?: boolean | undefined;
  /** Probes idle connections, the first time after 15 s, so that a silent peer's death is seen. @defaultValue true */
  keepAlive?: boolean | undefined;
  /** Only a name's addresses of this IP version; 0 takes both. @defaultValue 0 */
  family?: 0 | 4 | 6 | undefined;
  /**
   * Resolves names, asked for each IP version apart; may call back at once. `cacheable-lookup` fits.
   * @defaultValue `dns.lookup`, which knows /etc/hosts
   */
  lookup?: Lookup | undefined;
  /** Time that an address has to itself before the next joins the race, at least 10 (RFC 8305, section 8). @defaultValue 250 */
  connectionAttemptDelayMs?: number | undefined;
  /** Time that IPv4 addresses wait for the answer about IPv6 (RFC 8305, section 8). @defaultValue 50 */
  resolutionDelayMs?: number | undefined;
  /** Tries the address that won last before all others of its name. @defaultValue false */
  rememberWinner?: boolean | undefined;
  /** Bound on the connect to each address. @defaultValue none, but for the system's own of some two minutes */
  timeoutMs?: number | undefined;
  /** Address of this host to connect from; names are then dialed by its IP version alone. */
  localAddress?: string | undefined;
  /** Port of this host to connect from. */
  localPort?: number | undefined;
  /** Lets the process exit while the connection is open, though not while it is dialed. @defaultValue false */
  unref?: boolean | undefined;
}

/** Idle time before the first probe, as in Go's `net.Dialer`. */
const keepAliveInitialDelay = 15_000;

const optionNames: OptionNames<TcpOptions> = {
  noDelay: true,
  keepAlive: true,
  family: true,
  lookup: true,
  connectionAttemptDelayMs: true,
  resolutionDelayMs: true,
  rememberWinner: true,
  timeoutMs: true,
  localAddress: true,
  localPort: true,
  unref: true,
};

/**
 * Dials TCP and unix sockets by `node:net`: the base dialer that most compositions end in. The
 * addresses of a name are raced as RFC 8305 (Happy Eyeballs v2) says: one that is slow, or a black
 * hole, costs a quarter of a second and never the dial.
 *
 * @throws TypeError or RangeError at construction, naming the option.
 * @see https://www.rfc-editor.org/rfc/rfc8305
 */
export function tcp(options: TcpOptions = {}): Dialer<Socket> {
  checkOptions("tcp", options, optionNames);
  const { noDelay = true, keepAlive = true, unref = false, rememberWinner = false } = options;
  const { lookup, timeoutMs, localAddress, localPort } = options;
  const { connectionAttemptDelayMs = 250, resolutionDelayMs = 50 } = options;
  for (const [name, value] of Object.entries({ noDelay, keepAlive, unref, rememberWinner })) {
    checkBoolean(`tcp: ${name}`, value);
  }
  if (lookup !== undefined) checkFunction("tcp: lookup", lookup);
  if (timeoutMs !== undefined) checkDuration("tcp: timeoutMs", timeoutMs);
  checkDuration("tcp: connectionAttemptDelayMs", connectionAttemptDelayMs, 10);
  checkDuration("tcp: resolutionDelayMs", resolutionDelayMs, 0);
  if (localAddress !== undefined && isIP(localAddress) === 0) {
    throw invalid(TypeError, `tcp: localAddress must be an IP address, got ${show(localAddress)}`);
  }
  if (localPort !== undefined && !(Number.isInteger(localPort) && localPort > 0 && localPort <= 65535)) {
    throw invalid(RangeError, `tcp: localPort must be a whole number from 1 to 65535, got ${show(localPort)}`);
  }
  const families = familiesOf(options.family, localAddress);
  const connectSettings: ConnectSettings = {
    socket: {
      noDelay,
      keepAlive,
      keepAliveInitialDelay,
      ...(localAddress !== undefined && { localAddress }),
      ...(localPort !== undefined && { localPort }),
    },
    timeoutMs,
    unref,
  };
  const winners = rememberWinner ? new WinnerMemory() : undefined;

  return dialerOf(function tcpDialer(target, context) {
    if (context.cancel?.aborted) return Promise.reject(context.cancel.reason);
    const only = onlyAddress(target);
    if (only !== undefined) return connectAddress(only, connectSettings, target, context);
    const { host, port } = target;
    const first = winners?.of(host);
    const preferred = first !== undefined && isIP(first) === 4 ? 4 : 6;
    return race(
      context,
      { connectionAttemptDelayMs, first, onWinner: winners && (({ address }) => winners.remember(host, address)) },
      (sink) => resolve(host, port, { lookup, families, preferred, resolutionDelayMs }, context, sink),
      (address, runner) => connectAddress(address, connectSettings, target, runner),
    );
  });
}

markFactories({ tcp });

/** The address of an IP literal or unix socket: there is nothing to resolve, and nothing to race. */
function onlyAddress({ host, port, path }: Target): Address | undefined {
  if (path !== undefined) return Object.freeze({ address: path, port: 0, family: "unix" });
  const version = isIP(host);
  return version === 0 ? undefined : Object.freeze({ address: host, port, family: version === 6 ? "ipv6" : "ipv4" });
}

function familiesOf(family: unknown, localAddress: string | undefined): readonly (4 | 6)[] {
  if (family !== undefined && family !== 0 && family !== 4 && family !== 6) {
    throw invalid(RangeError, `tcp: family must be 0, 4 or 6, got ${show(family)}`);
  }
  const local = isIP(localAddress ?? "");
  if (family && local && family !== local) {
    throw invalid(RangeError, `tcp: localAddress must be of IPv${family}, as family says, got ${show(localAddress)}`);
  }
  const only = family || local;
  return only === 0 ? [6, 4] : [only as 4 | 6];
}
