import {
  DataBuffer,
  DebugEvents,
  ErrorCode,
  NatsConnectionImpl,
  NatsError,
  nkeyAuthenticator,
  ProtocolHandler,
  setTransportFactory,
} from "nats/lib/nats-base-client/internal_mod.js";
import { NodeTransport, nodeResolveHost } from "nats/lib/src/node_transport.js";
import { isError } from "../support/is-error.ts";
import type { NatsLibrary } from "./nats-library.ts";

/** What TypeScript is not to see of `nats` 2.x: it keeps private what nats-core has made public. */
interface Insides {
  _close(error?: Error): Promise<void>;
  readonly listeners: NatsLibrary["ProtocolHandler"]["prototype"]["listeners"];
}
const closeWith = (ProtocolHandler.prototype as unknown as Insides)._close;

/** The handler of `nats` 2.x with the face of nats-core's. */
class Handler extends (ProtocolHandler as unknown as NatsLibrary["ProtocolHandler"]) {
  constructor(...[options, nc]: ConstructorParameters<NatsLibrary["ProtocolHandler"]>) {
    super(options, nc);
    // The connection's own, which its `connect` would copy each status to.
    this.listeners = (nc as unknown as Insides).listeners;
  }

  /** In `nats` 2.x it takes no error; `_close` does. */
  override close(error?: Error): Promise<void> {
    return closeWith.call(this as unknown as Insides, error);
  }

  /** By it `nats` 2.x itself ends the client, whatever the cause. */
  _close(error?: Error): Promise<void> {
    return this.close(error);
  }
}

/** In `nats` 2.x the cause of an error has a name of its own; it has both here. */
function chained(error: NatsError, cause: unknown): NatsError {
  if (isError(cause)) error.chainedError = cause;
  if (cause !== undefined) error.cause = cause;
  return error;
}

/** The older `nats` 2.x, in nats-core's words. */
export const nats2: NatsLibrary = {
  Connection: NatsConnectionImpl as unknown as NatsLibrary["Connection"],
  ProtocolHandler: Handler,
  NodeTransport: NodeTransport as unknown as NatsLibrary["NodeTransport"],
  DataBuffer: DataBuffer as unknown as NatsLibrary["DataBuffer"],
  nkeyAuthenticator,
  closedError: () => NatsError.errorForCode(ErrorCode.ConnectionClosed),
  notConnectedError: (message) => new NatsError(message, ErrorCode.Disconnect),
  isOwnError: (error) => error instanceof NatsError,
  refusedError: (cause) => chained(NatsError.errorForCode(ErrorCode.ConnectionRefused), cause),
  timeoutError: (cause) => chained(NatsError.errorForCode(ErrorCode.Timeout), cause),
  // It says so of every connection that ends before the server's INFO.
  connectionError: (message, cause) => chained(new NatsError(message, ErrorCode.ConnectionRefused), cause),
  staleStatus: { type: DebugEvents.StaleConnection, data: "" } as unknown as NatsLibrary["staleStatus"],
  setTransportFactory: () => setTransportFactory({ factory: () => new NodeTransport(), dnsResolveFn: nodeResolveHost }),
};
