import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import type { Dialer } from "../core/dialer.ts";
import type { TargetLike } from "../core/target.ts";
import { markFactories } from "../support/roles.ts";
import { ClientDials } from "./client-dials.ts";
import { secured } from "./client-tls.ts";
import type { ClientSocketOptions } from "./options.ts";

/** The options of the request that opens a WebSocket, as `node:http` passes them on. */
interface RequestOptions extends Omit<ConnectionOptions, "port"> {
  readonly host?: string;
  readonly port?: number | string;
  readonly socketPath?: string;
  /** The client's `handshakeTimeout`. */
  readonly timeout?: number;
  readonly defaultPort?: number;
  readonly _defaultAgent?: { readonly protocol?: string };
}

/**
 * Returns the option `createConnection` of a `WebSocket` of ws: its connection is made by `dialer`. For a URL with
 * `wss:`, TLS is a part of the dial, with the options for TLS of the client. `handshakeTimeout`, `close()` and
 * `terminate()` cancel the dial.
 *
 * @param target - what to dial. @defaultValue the host and port of the URL
 * @throws TypeError or RangeError naming the option.
 * @example
 * const socket = new WebSocket("ws://feed.internal:8080", { createConnection: wsConnection(dial) });
 */
export function wsConnection<C extends Duplex = Socket>(
  dialer: Dialer<C>,
  target?: TargetLike,
  options?: ClientSocketOptions<C>,
): (request: unknown) => Socket {
  const dials = new ClientDials("wsConnection", dialer, target, options);
  const createConnection = (request: unknown) => {
    const {
      host = "localhost",
      port,
      socketPath,
      timeout,
      defaultPort,
      _defaultAgent,
      ...rest
    } = request as RequestOptions;
    // The options do not name the protocol: `https.request` is recognized by its agent, ws by its port.
    const isSecure = _defaultAgent?.protocol === "https:" || defaultPort === 443;
    const named = socketPath ? { path: socketPath } : { host, port: port || (isSecure ? 443 : 80) };
    return dials.open(named, {
      timeoutMs: timeout || undefined,
      ...(isSecure && secured(rest, dials.options.handshake)),
    });
  };
  dials.owner = createConnection;
  return createConnection;
}

markFactories({ wsConnection });
