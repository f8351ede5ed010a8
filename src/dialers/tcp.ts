import { isIP, type Socket } from "node:net";
import type { Dialer } from "../core/dialer.ts";
import type { Address } from "../core/event-values.ts";
import type { Target } from "../core/target.ts";
import { dialerOf } from "../engine/context.ts";
import { baseLayer, type LayerTraits } from "../engine/layer-info.ts";
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

/** Options of {@link tcp}. */
export interface TcpOptions {
  /** Sends small writes immediately (TCP_NODELAY), like Go. @defaultValue true */
  noDelay?: boolean | undefined;
  /** Enables TCP keep-alive; the first probe is sent after 15 s. @defaultValue true */
  keepAlive?: boolean | undefined;
  /** IP version of the addresses to use; 0 uses both. @defaultValue 0 */
  family?: 0 | 4 | 6 | undefined;
  /**
   * Resolves names; called once for each IP version. `cacheable-lookup` can be used.
   * @defaultValue `dns.lookup`, which reads /etc/hosts
   */
  lookup?: Lookup | undefined;
  /** Milliseconds after which the next address joins the race, from 10 (RFC 8305, section 8). @defaultValue 250 */
  connectionAttemptDelayMs?: number | undefined;
  /** Milliseconds that IPv4 addresses wait for the IPv6 answer, from 0 (RFC 8305, section 8). @defaultValue 50 */
  resolutionDelayMs?: number | undefined;
  /** Tries the address that connected last before the other addresses of a name. @defaultValue false */
  rememberWinner?: boolean | undefined;
  /** Timeout of the connect to each address in milliseconds, 1 to 2^31-1. @defaultValue none; the system's, about 2 minutes */
  timeoutMs?: number | undefined;
  /** Local IP address to connect from; only addresses of its IP version are then used. @defaultValue chosen by the system */
  localAddress?: string | undefined;
  /** Local port to connect from, 1 to 65535. @defaultValue chosen by the system */
  localPort?: number | undefined;
  /** Lets the process exit while the connection is open, but not while it is being dialed. @defaultValue false */
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
 * Dials TCP and unix sockets with `node:net`; the base dialer of most compositions. The addresses of a name are raced
 * according to RFC 8305 (Happy Eyeballs v2): a slow or unreachable address delays a dial by 250 ms but does not fail it.
 *
 * @throws TypeError or RangeError at construction, naming the option.
 * @throws DialError from the dial, with the reason of the failed connect.
 * @example
 * const dial = compose(withTimeout({ timeoutMs: 10_000 }), withRetry(), tcp());
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

  return dialerOf(
    function tcpDialer(target, context) {
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
    },
    baseLayer(tcpTraits(options)),
  );
}

markFactories({ tcp });

function tcpTraits({ timeoutMs, family, localAddress, rememberWinner }: TcpOptions): LayerTraits {
  return {
    factory: "tcp",
    emits: ["dnsDone", "connectDone"],
    timeout: timeoutMs === undefined ? undefined : { option: "timeoutMs", ms: timeoutMs },
    options: () => ({
      timeoutMs,
      family: family || undefined,
      localAddress,
      rememberWinner: rememberWinner || undefined,
    }),
  };
}

/** The address of an IP literal or a unix socket, which needs no resolution and no race. */
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
    throw invalid(
      RangeError,
      `tcp: localAddress must be an IPv${family} address, because family is ${family}, got ${show(localAddress)}`,
    );
  }
  const only = family || local;
  return only === 0 ? [6, 4] : [only as 4 | 6];
}
