import type { Socket } from "node:net";
import { decidingError } from "../core/classify.ts";
import { dialerOf } from "../core/context.ts";
import type { Dialer } from "../core/dialer.ts";
import { checkBoolean, checkFunction, checkOptions, show } from "../core/validate.ts";
import { connectAddress } from "./connect.ts";
import { type Lookup, resolveTarget } from "./resolve.ts";

export interface TcpOptions {
  /** Sends small writes at once (TCP_NODELAY), as Go does. @defaultValue true */
  noDelay?: boolean | undefined;
  /** Probes idle connections, the first time after 15 s, so that a silent peer's death is seen. @defaultValue true */
  keepAlive?: boolean | undefined;
  /** Only addresses of this IP version; 0 takes both. @defaultValue 0 */
  family?: 0 | 4 | 6 | undefined;
  /** Resolves names. @defaultValue `dns.lookup`, which knows /etc/hosts */
  lookup?: Lookup | undefined;
}

/** Idle time before the first probe, as in Go's `net.Dialer`. */
const keepAliveInitialDelay = 15_000;

/**
 * Dials TCP and unix sockets by `node:net`: the base dialer that most compositions end in. A name's
 * addresses are tried one after the other, in the order that the lookup gave.
 *
 * @throws TypeError or RangeError at construction, naming the option.
 */
export function tcp(options: TcpOptions = {}): Dialer<Socket> {
  checkOptions("tcp", options, ["noDelay", "keepAlive", "family", "lookup"]);
  const { noDelay = true, keepAlive = true, family = 0, lookup } = options;
  checkBoolean("tcp: noDelay", noDelay);
  checkBoolean("tcp: keepAlive", keepAlive);
  if (family !== 0 && family !== 4 && family !== 6) {
    throw new RangeError(`tcp: family must be 0, 4 or 6, got ${show(family)}`);
  }
  if (lookup !== undefined) checkFunction("tcp: lookup", lookup);
  const socketOptions = { noDelay, keepAlive, keepAliveInitialDelay };

  return dialerOf(async function tcpDialer(target, context) {
    const { cancel } = context;
    cancel?.throwIfAborted();
    const found = resolveTarget(target, lookup, family, context);
    const addresses = found instanceof Promise ? await found : found;
    const errors: unknown[] = [];
    for (const address of addresses) {
      try {
        return await connectAddress(address, socketOptions, context);
      } catch (error) {
        if (cancel?.aborted) throw error;
        errors.push(error);
      }
    }
    throw errors.length === 1 ? errors[0] : allFailed(errors);
  });
}

/** The deciding error speaks for all; the rest are its siblings in `errors`. */
function allFailed(errors: readonly unknown[]): Error {
  const deciding = decidingError(errors) as NodeJS.ErrnoException;
  const error = new AggregateError(errors, `${errors.length} addresses failed, the last with: ${deciding.message}`);
  return Object.assign(error, { code: deciding.code });
}
