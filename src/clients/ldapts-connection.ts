import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { readConnectArguments } from "../lazy-socket/connect-arguments.ts";
import { markFactories } from "../support/roles.ts";
import { ClientDials } from "./client-dials.ts";
import type { ClientSocketOptions } from "./options.ts";

/**
 * Returns the option `createConnection` of a client of ldapts, for URLs with `ldap:`: its connections are made by
 * `dialer`. `startTLS()` works as usual; for TLS from the beginning, dial with `tls()` and keep `ldap:` in the URL.
 * `connectTimeout` and `unbind()` cancel the dial.
 *
 * @param target - what to dial. @defaultValue the host and port of the URL
 * @throws TypeError or RangeError naming the option.
 * @example
 * const client = new Client({ url: "ldap://directory.internal", createConnection: ldaptsConnection(dial) });
 */
export function ldaptsConnection<C extends Duplex = Socket>(
  dialer: Dialer<C>,
  target?: TargetLike,
  options?: ClientSocketOptions<C>,
): (...connectArguments: readonly unknown[]) => Socket {
  const dials = new ClientDials("ldaptsConnection", dialer, target, options);
  const createConnection = (...connectArguments: readonly unknown[]) => {
    const { target: named, listener } = readConnectArguments(connectArguments);
    const socket = dials.open(named);
    return listener === undefined ? socket : socket.once("connect", listener);
  };
  dials.owner = createConnection;
  return createConnection;
}

markFactories({ ldaptsConnection });
